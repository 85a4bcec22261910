/**
 * nftables from within the process, by libnftables: no program is started, and a text of many commands is one transaction
 * that the kernel applies as a whole or not at all.
 */
import { writeFileSync } from 'node:fs';
import { internal } from '../../base/errors.ts';
import { AF_UNSPEC } from '../address.ts';
import { check, libc } from '../ffi/libc.ts';
import { libnftables, type NftContextPointer } from '../ffi/libnftables.ts';
import { keepLowDescriptors, openLow } from '../ffi/low-descriptors.ts';
import { NETLINK_NETFILTER } from '../netlink/constants.ts';
import { type NetlinkRequest, netlinkRequest } from '../netlink/message.ts';
import {
  NFNL_MSG_BATCH_BEGIN,
  NFNL_MSG_BATCH_END,
  NFNL_SUBSYS_NFTABLES,
  nfgenmsg,
} from '../netlink/netfilter.ts';
import { NetlinkSocket } from '../netlink/socket.ts';
import { type NetnsHandle, OWN_NETNS, openNetns } from '../netns/handle.ts';
import { withNetns } from '../netns/index.ts';
import { encodeNft, type NftSets } from './encode/commands.ts';

/** nftables/libnftables.h: NFT_CTX_OUTPUT_*, added up */
const OUTPUT = {
  /** (1 << 2): no counters and other state */
  stateless: 1 << 2,
  /** (1 << 3): handles of objects */
  handles: 1 << 3,
  /** (1 << 4) */
  json: 1 << 4,
  /** (1 << 5): print what was added, with its handle */
  echo: 1 << 5,
  /** (1 << 11): no elements of sets and maps */
  terse: 1 << 11,
} as const;
export type NftOutput = keyof typeof OUTPUT;

/** What one send takes: the queue's default is 212,992 bytes (net.core.wmem_default), which the kernel's own bookkeeping shares. */
const TRANSACTION_BYTES = 96 * 1024;

export class NftContext implements Disposable {
  readonly #netns: NetnsHandle;
  #pointer: NftContextPointer | undefined;
  /** Opened when first needed. */
  #socket: NetlinkSocket | undefined;

  private constructor(netns: NetnsHandle, pointer: NftContextPointer) {
    this.#netns = netns;
    this.#pointer = pointer;
  }

  /**
   * @param netns the namespace whose ruleset it is; the thread's own by default. It may be closed and unmounted afterwards.
   * @throws kind `unavailable` when libnftables is not installed
   */
  static open(netns?: NetnsHandle | string): NftContext {
    const path = typeof netns === 'object' ? `/proc/thread-self/fd/${netns.fd}` : (netns ?? OWN_NETNS);
    const library = libnftables();
    const handle = openNetns(path);
    // The context keeps the netlink socket it opens here, and with it the namespace; on that it waits with select(2).
    const pointer = withNetns(handle, () =>
      openLow(
        () => library.nft_ctx_new(0),
        (opened) => opened !== null && library.nft_ctx_free(opened),
      ),
    );
    if (pointer === null) {
      handle.close();
      throw internal('open nftables context: libnftables refused');
    }
    if (library.nft_ctx_buffer_output(pointer) !== 0 || library.nft_ctx_buffer_error(pointer) !== 0) {
      library.nft_ctx_free(pointer);
      handle.close();
      throw internal('open nftables context: no memory for buffers');
    }
    return new NftContext(handle, pointer);
  }

  /** Idempotent. */
  close(): void {
    if (this.#pointer === undefined) return;
    libnftables().nft_ctx_free(this.#pointer);
    keepLowDescriptors();
    this.#pointer = undefined;
    this.#socket?.close();
    this.#netns.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Runs commands in the language of nft(8), one per line, as one transaction. Returns what they print.
   *
   * @param options.dryRun check only, change nothing
   * @throws `internal` with nft's own words and the line they point at; nothing was changed then
   */
  run(commands: string, options: { output?: readonly NftOutput[]; dryRun?: boolean } = {}): string {
    const pointer = this.#pointer;
    if (pointer === undefined) throw internal('run nftables commands: the context is closed');
    const library = libnftables();
    const flags = (options.output ?? []).reduce((sum, name) => sum | OUTPUT[name], 0);
    library.nft_ctx_output_set_flags(pointer, flags);
    library.nft_ctx_set_dry_run(pointer, options.dryRun ?? false);
    // By a file in memory, not by nft_run_cmd_from_buffer(): errors in a buffer name no line and quote the first one.
    const file = memoryFile(commands);
    let status: number;
    try {
      // `iif eth0` looks the interface up by a socket of its own, opened when needed: so this runs inside as well.
      status = withNetns(this.#netns, () =>
        library.nft_run_cmd_from_filename(pointer, `/proc/thread-self/fd/${file}`),
      );
    } finally {
      libc().close(file);
    }
    const output = library.nft_ctx_get_output_buffer(pointer) ?? '';
    const errors = library.nft_ctx_get_error_buffer(pointer) ?? '';
    if (status !== 0) throw internal(`nft: ${explain(errors)}`);
    return output;
  }

  /**
   * Runs commands that change what is there, as one transaction. What consists of chains and elements that come and go, and of rules as
   * our networks have them, is handed to the kernel as it is: libnftables would first list every chain and every set there is, of all
   * tables, which with 1,000 networks takes longer than all the rest. Everything else is `run()`.
   *
   * @param sets every set and map that the commands name, by the table
   * @throws `internal` with the command that was refused; nothing was changed then
   */
  change(commands: string, sets: NftSets): void {
    const requests = encodeNft(commands, sets);
    const length = requests?.reduce((sum, { body }) => sum + body.length, 0) ?? 0;
    if (requests === undefined || requests.length === 0 || length > TRANSACTION_BYTES) {
      this.run(commands);
      return;
    }
    if (this.#pointer === undefined) throw internal('change nftables: the context is closed');
    this.#socket ??= NetlinkSocket.open(NETLINK_NETFILTER, { netns: this.#netns });
    this.#socket.transaction(mark(NFNL_MSG_BATCH_BEGIN), requests, mark(NFNL_MSG_BATCH_END));
  }

  /**
   * The tables that there are. Read as text: libnftables 1.0.6 reads freed memory when it prints a table that has flags (`owner`,
   * `dormant`) as JSON, and any table on the host may have some.
   */
  tables(): Array<{ family: string; name: string }> {
    return this.run('list tables')
      .split('\n')
      .flatMap((line) => {
        const [, family, name] = /^table (\S+) (\S+)/.exec(line) ?? [];
        return family === undefined || name === undefined ? [] : [{ family, name }];
      });
  }

  /**
   * The answer of a `list` command as values: the array below `nftables`, see libnftables-json(5).
   *
   * @param command `list ruleset`, `list table ip docker-bridges` …
   */
  list(command: string, options: { output?: readonly NftOutput[] } = {}): Array<Record<string, unknown>> {
    const text = this.run(command, { output: ['json', ...(options.output ?? [])] });
    const parsed =
      text === '' ? undefined : (JSON.parse(text) as { nftables?: Array<Record<string, unknown>> });
    // The first element tells about the library itself.
    return (parsed?.nftables ?? []).filter((element) => !('metainfo' in element));
  }
}

function mark(type: number): NetlinkRequest {
  return netlinkRequest('change nftables', type, 0, nfgenmsg(AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

/** `#define MFD_CLOEXEC 0x0001U` (linux/memfd.h) */
const MFD_CLOEXEC = 1;

function memoryFile(text: string): number {
  const fd = check(libc().memfd_create('nft', MFD_CLOEXEC), 'make a file of nftables commands');
  try {
    writeFileSync(fd, text.endsWith('\n') ? text : `${text}\n`);
    return fd;
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/**
 * nft's words: `/proc/…/fd/31:2:1-20: Error: Could not process rule: …`, the line, and a line of carets. On one line, and
 * of several errors the first.
 */
function explain(errors: string): string {
  const [words = '', line = ''] = errors.split('\n');
  const match = /^[^:]*:(\d+):[\d-]+: (?:Error: )?(.*)$/.exec(words);
  if (!match) return errors.trim() || 'refused without a word';
  return `${match[2]} (line ${match[1]}: ${JSON.stringify(line.trim())})`;
}
