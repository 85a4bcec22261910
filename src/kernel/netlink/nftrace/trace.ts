/**
 * Traces of nftables: a packet on which a rule has set `meta nftrace` is reported at every rule that matches and at every chain's end
 * (`nft monitor trace`; linux/netfilter/nf_tables.h, NFT_MSG_TRACE). Rules of iptables-nft are among them; those of the legacy
 * variant are not.
 */
import { isErrno } from '../../ffi/errno.ts';
import type { NetnsHandle } from '../../netns/index.ts';
import { readAttributes } from '../attributes.ts';
import { NETLINK_NETFILTER } from '../constants.ts';
import type { NetlinkMessage } from '../message.ts';
import { NFGENMSG_LENGTH, NFNL_SUBSYS_NFTABLES, nfnlType } from '../netfilter.ts';
import { NetlinkSocket } from '../socket.ts';

/** `NFNLGRP_NFTRACE = 9` (linux/netfilter/nfnetlink.h) */
const NFNLGRP_NFTRACE = 9;
/** `NFT_MSG_TRACE = 17` (enum nf_tables_msg_types) */
const NFT_MSG_TRACE = 17;
/** enum nft_trace_attributes */
const NFTA_TRACE = {
  TABLE: 1,
  CHAIN: 2,
  RULE_HANDLE: 3,
  TYPE: 4,
  VERDICT: 5,
  ID: 6,
  TRANSPORT_HEADER: 9,
  IIF: 10,
  OIF: 12,
  POLICY: 16,
} as const;
/** enum nft_verdict_attributes */
const NFTA_VERDICT = { CODE: 1, CHAIN: 2 } as const;
/** enum nft_trace_types: `NFT_TRACETYPE_POLICY = 1`, `NFT_TRACETYPE_RETURN = 2`, `NFT_TRACETYPE_RULE = 3` */
const TYPES = ['unspec', 'policy', 'return', 'rule'] as const;
/** `NF_DROP = 0` … `NF_REPEAT = 4` (linux/netfilter.h); `NFT_CONTINUE = -1` … `NFT_RETURN = -5` (nf_tables.h) */
const VERDICTS: Readonly<Record<number, string>> = {
  0: 'drop',
  1: 'accept',
  2: 'stolen',
  3: 'queue',
  4: 'repeat',
  [-1]: 'continue',
  [-2]: 'break',
  [-3]: 'jump',
  [-4]: 'goto',
  [-5]: 'return',
};
/** `NFPROTO_INET = 1`, `NFPROTO_IPV4 = 2`, `NFPROTO_BRIDGE = 7`, `NFPROTO_IPV6 = 10` */
const FAMILIES: Readonly<Record<number, string>> = {
  1: 'inet',
  2: 'ip',
  5: 'netdev',
  7: 'bridge',
  10: 'ip6',
};

export interface TraceEvent {
  /** Of one packet, until another device has it: on its way from a bridge's port to the bridge it gets a new one. */
  readonly id: number;
  /** Source and destination; told once at each hook, for protocols that have ports. */
  readonly ports: readonly [source: number, destination: number] | undefined;
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly type: (typeof TYPES)[number];
  /** Of the rule that matched; unset for `policy` and `return`. */
  readonly handle: number | undefined;
  readonly verdict: string;
  /** Where it goes on, for `jump` and `goto`. */
  readonly target: string | undefined;
  /** Index of the interface; unset where the hook has none. */
  readonly input: number | undefined;
  readonly output: number | undefined;
}

/** Listens from its opening on; what comes is kept by the kernel until it is read. */
export class NftTrace implements Disposable {
  readonly #socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** @param netns the namespace whose packets are traced; the thread's own by default */
  static open(netns?: NetnsHandle | string): NftTrace {
    return new NftTrace(NetlinkSocket.open(NETLINK_NETFILTER, { netns, groups: [NFNLGRP_NFTRACE] }));
  }

  /** Everything that has been reported since the last call. */
  read(): TraceEvent[] {
    const events: TraceEvent[] = [];
    for (;;) {
      try {
        const messages = this.#socket.receive('read traces of nftables');
        if (messages === undefined) return events;
        for (const message of messages) {
          const event = readTrace(message);
          if (event !== undefined) events.push(event);
        }
      } catch (error) {
        // Some were lost; what is left still tells something.
        if (!isErrno(error, 'ENOBUFS')) throw error;
      }
    }
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function readTrace({ type, body }: NetlinkMessage): TraceEvent | undefined {
  if (type !== nfnlType(NFNL_SUBSYS_NFTABLES, NFT_MSG_TRACE)) return undefined;
  const attributes = readAttributes(body, NFGENMSG_LENGTH);
  const kind = TYPES[attributes.u32be(NFTA_TRACE.TYPE) ?? 0] ?? 'unspec';
  const verdict = attributes.nested(NFTA_TRACE.VERDICT);
  const code = kind === 'policy' ? attributes.u32be(NFTA_TRACE.POLICY) : verdict?.u32be(NFTA_VERDICT.CODE);
  const handle = attributes.u64be(NFTA_TRACE.RULE_HANDLE);
  const transport = attributes.bytes(NFTA_TRACE.TRANSPORT_HEADER);
  return {
    id: attributes.u32be(NFTA_TRACE.ID) ?? 0,
    ports:
      transport === undefined || transport.length < 4
        ? undefined
        : [transport.readUInt16BE(0), transport.readUInt16BE(2)],
    family: FAMILIES[body.readUInt8(0)] ?? `${body.readUInt8(0)}`,
    table: attributes.string(NFTA_TRACE.TABLE) ?? '',
    chain: attributes.string(NFTA_TRACE.CHAIN) ?? '',
    type: kind,
    handle: handle === undefined ? undefined : Number(handle),
    // Verdicts are signed; a policy that is accept is told as 1.
    verdict: VERDICTS[(code ?? -1) | 0] ?? `${code}`,
    target: verdict?.string(NFTA_VERDICT.CHAIN),
    input: attributes.u32be(NFTA_TRACE.IIF),
    output: attributes.u32be(NFTA_TRACE.OIF),
  };
}
