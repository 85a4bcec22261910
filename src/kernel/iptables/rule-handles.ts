/**
 * Rules by their handles, for the nf_tables variant of iptables: its tables are nftables' own (`ip filter`, `ip nat`), and the kernel
 * announces every rule with the number that it is known by there. `iptables-restore` reads a whole chain to find the rule that `-D` means,
 * which takes 60 ms with 1,000 networks, and its end waits 20 ms more for what was deleted. By its handle a rule goes at once.
 *
 * The legacy variant announces nothing, so that no handle is ever known.
 */

import { AF_INET, AF_INET6 } from '../address.ts';
import { isErrno } from '../ffi/errno.ts';
import { readAttributes } from '../netlink/attributes.ts';
import { NETLINK_NETFILTER } from '../netlink/constants.ts';
import { type NetlinkMessage, type NetlinkRequest, netlinkRequest } from '../netlink/message.ts';
import {
  NFGENMSG_LENGTH,
  NFNL_BATCH_GENID,
  NFNL_MSG_BATCH_BEGIN,
  NFNL_MSG_BATCH_END,
  NFNL_SUBSYS_NFTABLES,
  NFNLGRP_NFTABLES,
  nfgenmsg,
  nfnlType,
} from '../netlink/netfilter.ts';
import { NetlinkSocket } from '../netlink/socket.ts';
import type { NetnsHandle } from '../netns/index.ts';

/** enum nf_tables_msg_types, enum nft_rule_attributes and so on (linux/netfilter/nf_tables.h) */
const NFT_MSG = { DELTABLE: 2, NEWRULE: 6, DELRULE: 8, NEWGEN: 15 } as const;
const NFTA_TABLE_NAME = 1;
const NFTA_RULE = { TABLE: 1, CHAIN: 2, HANDLE: 3 } as const;
const NFTA_GEN_ID = 1;

/** A rule that a transaction made. */
interface MadeRule {
  readonly table: string;
  readonly chain: string;
  readonly handle: bigint;
}

/** One line of a text for `iptables-restore`. */
interface RuleLine {
  readonly table: string;
  readonly command: string;
  readonly chain: string;
  /** `filter DOCKER -d 172.17.0.2/32 … -j ACCEPT` */
  readonly key: string;
}

export class RuleHandles implements Disposable {
  readonly #family: number;
  readonly #events: NetlinkSocket;
  readonly #requests: NetlinkSocket;
  /** By `RuleLine.key`. */
  readonly #handles = new Map<string, MadeRule>();
  /** The same the other way round: `filter 12`. */
  readonly #keys = new Map<string, string>();
  /** Rules of the transaction that is being read. */
  #made: MadeRule[] = [];
  /** The last transaction that has been read, of anybody. */
  #generation: number | undefined;

  constructor({ family, netns }: { family: 4 | 6; netns?: NetnsHandle | undefined }) {
    this.#family = family === 4 ? AF_INET : AF_INET6;
    this.#events = NetlinkSocket.open(NETLINK_NETFILTER, { netns, groups: [NFNLGRP_NFTABLES] });
    this.#requests = NetlinkSocket.open(NETLINK_NETFILTER, { netns });
  }

  [Symbol.dispose](): void {
    this.#events.close();
    this.#requests.close();
  }

  /** How many rules are known by their handles. */
  get size(): number {
    return this.#handles.size;
  }

  /**
   * Runs `write`, which applies `text` by `iptables-restore`, and learns the handles of the rules that it adds: a transaction for each
   * table announces them in the order of the text. Where others wrote the like meanwhile, nothing is learnt.
   */
  async learn(text: string, write: () => Promise<void>): Promise<void> {
    this.#read();
    await write();
    const transactions = this.#read();
    const added = ruleLines(text).filter(({ command }) => command === '-A' || command === '-I');
    for (const [table, lines] of Map.groupBy(added, (line) => line.table)) {
      const chains = lines.map(({ chain }) => `${table} ${chain}`).join('\n');
      const found = transactions.filter(
        (made) => made.map((rule) => `${rule.table} ${rule.chain}`).join('\n') === chains,
      );
      const [made] = found;
      if (made === undefined || found.length > 1) continue;
      for (const [index, { key }] of lines.entries()) this.#know(key, made[index] as MadeRule);
    }
  }

  /**
   * Deletes the rules that `text` names, if it deletes rules and does nothing else, and their handles are known: in one transaction, and
   * only if nobody has changed anything since this was read. False, and nothing changed, when that cannot be.
   */
  delete(text: string): boolean {
    this.#read();
    const lines = ruleLines(text);
    const rules = lines.map(({ key }) => this.#handles.get(key));
    if (this.#generation === undefined || lines.length === 0) return false;
    if (lines.some(({ command }) => command !== '-D') || new Set(rules).size < lines.length) return false;
    const requests = rules.flatMap((rule) => (rule === undefined ? [] : [this.#deletion(rule)]));
    if (requests.length < lines.length) return false;
    const mark = (type: number, generation?: number): NetlinkRequest =>
      netlinkRequest('delete rules of iptables', type, 0, nfgenmsg(0, NFNL_SUBSYS_NFTABLES), (message) => {
        if (generation !== undefined) message.u32be(NFNL_BATCH_GENID, generation);
      });
    try {
      this.#requests.transaction(
        mark(NFNL_MSG_BATCH_BEGIN, this.#generation),
        requests,
        mark(NFNL_MSG_BATCH_END),
      );
    } catch (error) {
      // ERESTART: another generation. ENOENT: a rule, its chain or its table is gone.
      if (isErrno(error, 'ERESTART', 'ENOENT')) return false;
      throw error;
    }
    return true;
  }

  #deletion({ table, chain, handle }: MadeRule): NetlinkRequest {
    const head = nfgenmsg(this.#family);
    const number = Buffer.alloc(8);
    number.writeBigUInt64BE(handle);
    const type = nfnlType(NFNL_SUBSYS_NFTABLES, NFT_MSG.DELRULE);
    return netlinkRequest(`delete rule ${handle} of ${table} ${chain}`, type, 0, head, (message) =>
      message.string(NFTA_RULE.TABLE, table).string(NFTA_RULE.CHAIN, chain).bytes(NFTA_RULE.HANDLE, number),
    );
  }

  /** Reads what has been announced. Returns what each transaction that ended meanwhile has made, in order. */
  #read(): MadeRule[][] {
    const transactions: MadeRule[][] = [];
    let isLost = false;
    for (;;) {
      let messages: NetlinkMessage[] | undefined;
      try {
        messages = this.#events.receive('read changes of iptables');
      } catch (error) {
        if (!isErrno(error, 'ENOBUFS')) throw error;
        // Some were lost: any rule may be gone, and its number may be another's. What is still queued is older than that.
        this.#forgetAll();
        isLost = true;
        continue;
      }
      if (messages === undefined) return isLost ? [] : transactions;
      for (const message of messages) this.#take(message, transactions);
    }
  }

  #take({ type, body }: NetlinkMessage, transactions: MadeRule[][]): void {
    const attributes = readAttributes(body, NFGENMSG_LENGTH);
    if (type === nfnlType(NFNL_SUBSYS_NFTABLES, NFT_MSG.NEWGEN)) {
      this.#generation = attributes.u32be(NFTA_GEN_ID);
      transactions.push(this.#made);
      this.#made = [];
      return;
    }
    if (body[0] !== this.#family) return;
    const table = attributes.string(NFTA_RULE.TABLE) ?? '';
    const handle = attributes.u64be(NFTA_RULE.HANDLE) ?? 0n;
    switch (type) {
      case nfnlType(NFNL_SUBSYS_NFTABLES, NFT_MSG.NEWRULE):
        this.#made.push({ table, chain: attributes.string(NFTA_RULE.CHAIN) ?? '', handle });
        break;
      case nfnlType(NFNL_SUBSYS_NFTABLES, NFT_MSG.DELRULE):
        this.#forget(`${table} ${handle}`);
        break;
      case nfnlType(NFNL_SUBSYS_NFTABLES, NFT_MSG.DELTABLE): {
        // The next table of that name counts its rules from the beginning.
        const name = attributes.string(NFTA_TABLE_NAME) ?? '';
        for (const place of this.#keys.keys()) if (place.startsWith(`${name} `)) this.#forget(place);
        break;
      }
    }
  }

  #know(key: string, rule: MadeRule): void {
    this.#handles.set(key, rule);
    this.#keys.set(`${rule.table} ${rule.handle}`, key);
  }

  #forget(place: string): void {
    const key = this.#keys.get(place);
    if (key === undefined) return;
    this.#keys.delete(place);
    this.#handles.delete(key);
  }

  #forgetAll(): void {
    this.#keys.clear();
    this.#handles.clear();
    this.#made = [];
    this.#generation = undefined;
  }
}

/** Lines that are about rules, and any other command (`-N`, `-X`, a policy) as it is. */
function ruleLines(text: string): RuleLine[] {
  let table = '';
  return text.split('\n').flatMap((line): RuleLine[] => {
    if (line.startsWith('*')) table = line.slice(1);
    if (line === '' || line.startsWith('*') || line === 'COMMIT') return [];
    const [, command = line, chain = '', rule = ''] = /^(-[AID]) (\S+) (?:\d+ )?(.*)$/.exec(line) ?? [];
    return [{ table, command, chain, key: `${table} ${chain} ${rule}` }];
  });
}
