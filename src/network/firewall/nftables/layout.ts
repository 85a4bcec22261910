/**
 * The layout of the table: Docker 29's `docker-bridges`, with maps in place of its rules per port.
 *
 * ```
 * filter-FORWARD ── DOCKER-USER
 *                ├─ by the bridge a packet comes from: filter-forward-out__docker0
 *                └─ by the bridge it goes to:          filter-forward-in__docker0
 * nat-PREROUTING, nat-OUTPUT ── nat-prerouting-and-output: one lookup in a map, however many ports are published
 * nat-POSTROUTING ── nat-postrouting-out__docker0, nat-postrouting-in__docker0
 * raw-PREROUTING  ── only where a loopback address has to be protected
 * ```
 */

import { invalid } from '../../../base/errors.ts';
import type { IpFamily } from '../../../base/ip.ts';
import type { NftHook, NftSet } from './ruleset.ts';

export const FORWARD = 'filter-FORWARD';
export const PREROUTING = 'nat-PREROUTING';
export const OUTPUT = 'nat-OUTPUT';
export const POSTROUTING = 'nat-POSTROUTING';
export const RAW_PREROUTING = 'raw-PREROUTING';
export const TRANSLATE = 'nat-prerouting-and-output';
/** The user's own chain, asked before ours. */
export const USER_CHAIN = 'DOCKER-USER';

export type BaseChainName =
  | typeof FORWARD
  | typeof PREROUTING
  | typeof OUTPUT
  | typeof POSTROUTING
  | typeof RAW_PREROUTING;

export const HOOKS: Readonly<Record<BaseChainName, NftHook>> = {
  [FORWARD]: { type: 'filter', hook: 'forward', priority: 0, policy: 'accept' },
  [PREROUTING]: { type: 'nat', hook: 'prerouting', priority: -100, policy: 'accept' },
  [OUTPUT]: { type: 'nat', hook: 'output', priority: -100, policy: 'accept' },
  [POSTROUTING]: { type: 'nat', hook: 'postrouting', priority: 100, policy: 'accept' },
  [RAW_PREROUTING]: { type: 'filter', hook: 'prerouting', priority: -300, policy: 'accept' },
};

/** First parts of the names of chains that a network has for itself. */
export const PER_BRIDGE = [
  'filter-forward-in',
  'filter-forward-out',
  'nat-postrouting-in',
  'nat-postrouting-out',
] as const;

export type PerBridge = (typeof PER_BRIDGE)[number];

/** The chain of a network: `filter-forward-in__docker0`. */
export function bridgeChain(part: PerBridge, bridge: string): string {
  return `${part}__${/^[\w.-]+$/.test(bridge) ? bridge : escapeName(bridge)}`;
}

/** nft's names are letters, digits and `/\_.-` (its scanner.l, {string}). A slash cannot be in an interface's name. */
function escapeName(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => [String.fromCharCode(byte), byte.toString(16).padStart(2, '0')] as const)
    .map(([char, hex]) => (/[\w.-]/.test(char) ? char : `/${hex}`))
    .join('');
}

/** The map that leads to the chains of networks: `filter-forward-in-jumps`. */
export function jumps(part: PerBridge): SetName {
  return `${part}-jumps`;
}

export type SetName =
  | 'bridges'
  | 'nat-proxy-bridges'
  | `${PerBridge}-jumps`
  | 'filter-ports'
  | 'filter-port-ranges'
  | 'filter-links'
  | 'filter-link-answers'
  | 'nat-ports-at'
  | 'nat-ports'
  | 'nat-port-ranges-at'
  | 'nat-port-ranges'
  | 'nat-hairpin';

/** Every set and map. A table declares those that its rules ask. */
export function setDefinitions(
  family: IpFamily,
): ReadonlyArray<Omit<NftSet, 'elements'> & { name: SetName }> {
  const address = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const port = 'inet_proto . inet_service';
  const plain = { interval: false };
  const ranges = { interval: true };
  return [
    { name: 'bridges', keyType: 'ifname', ...plain },
    { name: 'nat-proxy-bridges', keyType: 'ifname', ...plain },
    ...PER_BRIDGE.map((part) => ({ name: jumps(part), keyType: 'ifname', dataType: 'verdict', ...plain })),
    // Single ports are in hash tables and runs of ports in trees of their own: a run is one element, and neither a lookup nor
    // a change of a single port pays for what ranges cost.
    { name: 'filter-ports', keyType: `${address} . ${port}`, ...plain },
    { name: 'filter-port-ranges', keyType: `${address} . ${port}`, ...ranges },
    { name: 'filter-links', keyType: `${address} . ${address} . ${port}`, ...ranges },
    { name: 'filter-link-answers', keyType: `${address} . ${address} . ${port}`, ...ranges },
    {
      name: 'nat-ports-at',
      keyType: `${address} . ${port}`,
      dataType: `${address} . inet_service`,
      ...plain,
    },
    { name: 'nat-ports', keyType: port, dataType: `${address} . inet_service`, ...plain },
    { name: 'nat-port-ranges-at', keyType: `${address} . ${port}`, dataType: address, ...ranges },
    { name: 'nat-port-ranges', keyType: port, dataType: address, ...ranges },
    { name: 'nat-hairpin', keyType: `${address} . ${address}`, ...plain },
  ];
}

/** True for a name that this layout gives to chains of its own (not the user's chain). */
export function isOurChainName(name: string): boolean {
  return name in HOOKS || name === TRANSLATE || PER_BRIDGE.some((part) => name.startsWith(`${part}__`));
}

const SET_NAMES: ReadonlySet<string> = new Set(setDefinitions(4).map((set) => set.name));

/** True for a name that this layout gives to sets and maps. */
export function isOurSetName(name: string): boolean {
  return SET_NAMES.has(name);
}

/**
 * `"docker0"`: the name of an interface, checked, since it goes into rule text, and nft reads a closing `*` as "any
 * interface whose name begins so".
 */
export function quoteInterface(name: string): string {
  if (!/^[^\s"'\\/!]{1,15}$/.test(name) || name.endsWith('*') || name === '.' || name === '..') {
    throw invalid(`compile firewall: ${JSON.stringify(name)} cannot be an interface in a rule`);
  }
  return `"${name}"`;
}
