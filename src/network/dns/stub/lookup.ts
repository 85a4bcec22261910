/**
 * A name looked up as a program does it (getaddrinfo(3) of glibc, with the order `files dns` of nsswitch.conf(5)): in /etc/hosts, then
 * at the name servers of resolv.conf(5), one after the other and along the search list. What became of each question is kept, for those
 * who want to know how an address was come by, or why there is none.
 */

import { randomInt } from 'node:crypto';
import { isKind } from '../../../base/errors.ts';
import type { NameQuestion } from '../../../base/name-question.ts';
import type { NetnsHandle } from '../../../kernel/netns/index.ts';
import { Readiness } from '../forward/readiness.ts';
import { SocketTransport } from '../forward/socket-transport.ts';
import type { Exchange, Transport } from '../forward/transport.ts';
import { Upstream } from '../forward/upstream.ts';
import { type Answer, isFailure, readAnswer } from '../message/answer.ts';
import { RCODE } from '../message/constants.ts';
import { canonicalName } from '../message/name.ts';
import { ndots, parseResolvConf, type ResolvConf } from '../resolv-conf.ts';
import { RESOLVER_ADDRESS } from '../sandbox/redirect.ts';
import { addressesInHosts } from './hosts.ts';
import { ADDRESS_TYPES, addressesOf, addressQuestion } from './question.ts';

export interface LookupOptions {
  /** What stands in /etc/hosts and /etc/resolv.conf. */
  readonly hosts: string;
  readonly resolvConf: string;
  /** Where the program is; default the thread's own. */
  readonly netns?: NetnsHandle | undefined;
  readonly times?: Partial<LookupTimes>;
}

export interface LookupTimes {
  /** Milliseconds for everything. Default 6,000: programs wait longer, people do not. */
  readonly total: number;
  /** Milliseconds for one name server. Default 2,000. */
  readonly server: number;
  /** The same for the embedded resolver, which asks others itself and says when they keep silent. Default 5,500. */
  readonly embedded: number;
  /** Milliseconds until the question is sent again. Default 800. */
  readonly retransmit: number;
}

export const DEFAULT_LOOKUP_TIMES: LookupTimes = {
  total: 6000,
  server: 2000,
  embedded: 5500,
  retransmit: 800,
};

/** Plain data. */
export interface NameLookup {
  /** In the order in which they were asked. */
  readonly questions: readonly NameQuestion[];
  /** What was found: of the last question. Canonical text. */
  readonly addresses: readonly string[];
}

/** `#define MAXNS 3` (resolv.h): further servers are not asked. */
const SERVERS_MAX = 3;
/** Of a file that names none (resolv.conf(5)). */
const DEFAULT_SERVER = '127.0.0.1';

export async function lookUpName(name: string, options: LookupOptions): Promise<NameLookup> {
  const times = { ...DEFAULT_LOOKUP_TIMES, ...options.times };
  const plain = name.replace(/\.$/, '');
  const own = addressesInHosts(options.hosts, plain);
  if (own.length > 0) {
    return { questions: [{ name: plain, outcome: 'found', addresses: own }], addresses: own };
  }
  const conf = parseResolvConf(options.resolvConf);
  const addresses = conf.nameservers.length === 0 ? [DEFAULT_SERVER] : conf.nameservers.slice(0, SERVERS_MAX);
  const servers = addresses.map((address) => new Upstream({ address, from: 'container' }, options.netns));
  using readiness = new Readiness({ onFault: () => {} });
  using transport = new SocketTransport({ readiness });
  const questions: NameQuestion[] = [];
  const until = performance.now() + times.total;
  for (const candidate of candidatesOf(name, conf)) {
    const answered = await askServers(transport, servers, candidate, times, until);
    questions.push(...answered);
    const last = answered.at(-1);
    if (last?.outcome === 'found') return { questions, addresses: last.addresses };
    // Nobody who could tell: another name is not told either.
    if (last?.outcome !== 'unknown' && last?.outcome !== 'empty') break;
  }
  return { questions, addresses: [] };
}

/** The names to be tried, in order: `search` and `ndots` of resolv.conf(5). A dot at the end says that the name is whole. */
export function candidatesOf(
  name: string,
  { search, options }: Pick<ResolvConf, 'search' | 'options'>,
): string[] {
  const whole = canonicalName(name);
  if (name.endsWith('.')) return [whole];
  const longer = search.map((suffix) => canonicalName(`${whole}.${suffix}`));
  const dots = whole.split('.').length - 1;
  return dots >= ndots(options, 1) ? [whole, ...longer] : [...longer, whole];
}

/** Until one of them knows something of the name. */
async function askServers(
  transport: Transport,
  servers: readonly Upstream[],
  name: string,
  times: LookupTimes,
  until: number,
): Promise<NameQuestion[]> {
  const questions: NameQuestion[] = [];
  for (const server of servers) {
    const patience = server.address === RESOLVER_ADDRESS ? times.embedded : times.server;
    const left = Math.min(patience, until - performance.now());
    if (left <= 0) break;
    const replies = await Promise.all(
      ADDRESS_TYPES.map((type) => askOne(transport, server, { name, type, left, again: times.retransmit })),
    );
    const question = { name, server: server.address, ...joined(replies) };
    questions.push(question);
    if (['found', 'unknown', 'empty'].includes(question.outcome)) break;
  }
  return questions;
}

type Reply = Omit<NameQuestion, 'name' | 'server'>;

/** What both answers say together: one that tells something goes before one that does not. */
function joined(replies: readonly Reply[]): Reply {
  const addresses = replies.flatMap((reply) => reply.addresses);
  if (addresses.length > 0) return { outcome: 'found', addresses };
  const order = ['unknown', 'failed', 'unreachable', 'silent', 'empty'] as const;
  const outcome = order.find((one) => replies.some((reply) => reply.outcome === one));
  return replies.find((reply) => reply.outcome === outcome) ?? { outcome: 'silent', addresses: [] };
}

function askOne(
  transport: Transport,
  server: Upstream,
  {
    name,
    type,
    left,
    again,
  }: { name: string; type: (typeof ADDRESS_TYPES)[number]; left: number; again: number },
): Promise<Reply> {
  const message = addressQuestion(name, type, randomInt(0x10000));
  if (message === undefined) return Promise.resolve({ outcome: 'unknown', addresses: [] });
  return new Promise((resolve) => {
    const exchanges: Exchange[] = [];
    const timers: NodeJS.Timeout[] = [];
    const end = (reply: Reply) => {
      for (const timer of timers) clearTimeout(timer);
      for (const exchange of exchanges) exchange.close();
      resolve(reply);
    };
    const onFailure = (error: unknown) =>
      end({ outcome: 'unreachable', addresses: [], ...detailOf(isKind(error) ? error.errno : undefined) });
    const send = (protocol: 'udp' | 'tcp') => {
      try {
        exchanges.push(
          transport[protocol](server, message, {
            onMessage: (answer) => onMessage(answer, protocol),
            onFailure,
          }),
        );
      } catch (error) {
        onFailure(error);
      }
    };
    const onMessage = (bytes: Buffer, protocol: 'udp' | 'tcp') => {
      const answer = readAnswer(bytes, message);
      if (answer === undefined || bytes.readUInt16BE(0) !== message.readUInt16BE(0)) return;
      const reply = replyOf(answer);
      if (answer.truncated && reply.outcome !== 'found' && protocol === 'udp') send('tcp');
      else end(reply);
    };
    timers.push(setTimeout(() => end({ outcome: 'silent', addresses: [] }), left));
    timers.push(setTimeout(() => send('udp'), again));
    send('udp');
  });
}

function replyOf({ message, rcode }: Answer): Reply {
  if (rcode === RCODE.NXDOMAIN) return { outcome: 'unknown', addresses: [] };
  if (isFailure(rcode)) return { outcome: 'failed', addresses: [], ...detailOf(rcodeName(rcode)) };
  const addresses = addressesOf(message);
  return { outcome: addresses.length > 0 ? 'found' : 'empty', addresses };
}

const detailOf = (detail: string | undefined) => (detail === undefined ? {} : { detail });

function rcodeName(rcode: number): string {
  return Object.entries(RCODE).find(([, code]) => code === rcode)?.[0] ?? `RCODE ${rcode}`;
}
