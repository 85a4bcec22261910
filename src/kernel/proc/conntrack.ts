/** How full the table of tracked connections is, and what it had to refuse. */
import { readFileSync } from 'node:fs';
import { tryReadSysctl } from '../sysctl.ts';

export interface ConntrackUse {
  /** Connections in this namespace now. */
  readonly entries: number;
  readonly limit: number;
  /** Packets whose connection could not be tracked because the table was full. */
  readonly dropped: number;
  /** Entries forgotten early to make room. */
  readonly earlyDropped: number;
  /** Entries that clashed with another that was there already. */
  readonly insertFailed: number;
}

/** Of the namespace that the thread is in; undefined while the kernel tracks nothing (no module nf_conntrack). */
export function readConntrackUse(): ConntrackUse | undefined {
  const entries = tryReadSysctl('net/netfilter/nf_conntrack_count');
  const limit = tryReadSysctl('net/netfilter/nf_conntrack_max');
  if (entries === undefined || limit === undefined) return undefined;
  const total = sumOfProcessors();
  return {
    entries: Number(entries),
    limit: Number(limit),
    dropped: total('drop'),
    earlyDropped: total('early_drop'),
    insertFailed: total('insert_failed'),
  };
}

/** `/proc/thread-self/net/stat/nf_conntrack`: a line of names, then one of hexadecimal numbers for each processor. */
function sumOfProcessors(): (column: string) => number {
  let text = '';
  try {
    text = readFileSync('/proc/thread-self/net/stat/nf_conntrack', 'utf8');
  } catch {
    // The kernel was built without it (CONFIG_NF_CONNTRACK_PROCFS).
  }
  const [head = '', ...lines] = text.trim().split('\n');
  const names = head.trim().split(/\s+/);
  return (column) => {
    const at = names.indexOf(column);
    return lines.reduce(
      (sum, line) => sum + (Number.parseInt(line.trim().split(/\s+/)[at] ?? '0', 16) || 0),
      0,
    );
  };
}
