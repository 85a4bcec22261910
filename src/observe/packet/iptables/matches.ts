/** The matches of iptables rules: words in, conditions out. What is not known here becomes an opaque condition, never a guess. */

import {
  type Condition,
  CT_STATE,
  CT_STATE_NAT,
  CT_STATUS,
  type Field,
  type FieldCondition,
  type Span,
} from '../condition.ts';
import { addressRangeSpan, linkSpan, numberSpan, portSpan, prefixSpan, protocolSpan } from '../spans.ts';

/** One option of a rule with its values: `! --dport 80`. */
export interface Option {
  readonly name: string;
  readonly values: readonly string[];
  readonly negated: boolean;
}

type Reader = (option: Option) => Condition | undefined;

/** A condition on one field, by a list that is separated by commas; opaque when one of its parts is not understood. */
const listOf =
  (field: Field, span: (text: string) => Span | undefined): Reader =>
  (option) => {
    const spans = (option.values[0] ?? '').split(',').map(span);
    const entries = spans.flatMap((one) => (one === undefined ? [] : [[one]]));
    return entries.length === spans.length ? inList(option, [field], entries) : undefined;
  };

/** A condition on one field by one value. */
const one =
  (field: Field, span: (text: string) => Span | undefined): Reader =>
  (option) => {
    const found = span(option.values[0] ?? '');
    return found === undefined ? undefined : inList(option, [field], [[found]]);
  };

const bits =
  (field: Field, names: Readonly<Record<string, number>>): Reader =>
  (option) => {
    const masks = (option.values[0] ?? '').split(',').map((name) => names[name.toLowerCase()]);
    if (masks.some((mask) => mask === undefined)) return undefined;
    const mask = masks.reduce<number>((sum, bit) => sum | (bit ?? 0), 0);
    return { ...base(option, [field]), test: { kind: 'bits', mask } };
  };

const masked =
  (field: Field): Reader =>
  (option) => {
    const [value, mask] = (option.values[0] ?? '').split('/').map(Number);
    if (value === undefined || Number.isNaN(value)) return undefined;
    return { ...base(option, [field]), test: { kind: 'masked', value, mask: mask ?? 0xffffffff } };
  };

const text = (value: string): Span => ({ text: value.toLowerCase() });
const presence =
  (field: Field): Reader =>
  (option) => ({ ...inList(option, [field], [[{ text: '' }]]), negated: !option.negated });

const STATES = { ...CT_STATE, ...CT_STATE_NAT };
const ports = {
  '--sport': one('source-port', portSpan),
  '--dport': one('destination-port', portSpan),
};

/** Options that stand without a module. */
export const PLAIN: Readonly<Record<string, Reader>> = {
  '-s': one('source', prefixSpan),
  '-d': one('destination', prefixSpan),
  '-i': one('input', linkSpan),
  '-o': one('output', linkSpan),
  '-p': (option) =>
    option.values[0] === 'all'
      ? inList(option, ['protocol'], [['any']])
      : one('protocol', protocolSpan)(option),
};

/** Options by module (iptables-extensions(8)). */
export const MODULES: Readonly<Record<string, Readonly<Record<string, Reader>>>> = {
  tcp: {
    ...ports,
    '--tcp-flags': tcpFlags,
    '--syn': (option) => tcpFlags({ ...option, values: ['FIN,SYN,RST,ACK', 'SYN'] }),
  },
  udp: ports,
  sctp: ports,
  dccp: ports,
  multiport: {
    '--sports': listOf('source-port', portSpan),
    '--dports': listOf('destination-port', portSpan),
    '--ports': eitherPort,
  },
  conntrack: {
    '--ctstate': bits('ct-state-or-nat', STATES),
    '--ctstatus': bits('ct-status', { ...CT_STATUS, seen_reply: 2 }),
    '--ctproto': one('ct-protocol', protocolSpan),
    '--ctorigsrc': one('ct-source', prefixSpan),
    '--ctorigdst': one('ct-destination', prefixSpan),
    '--ctorigsrcport': one('ct-source-port', portSpan),
    '--ctorigdstport': one('ct-destination-port', portSpan),
    '--ctdir': one('ct-direction', text),
  },
  state: { '--state': bits('ct-state-or-nat', STATES) },
  addrtype: {
    '--src-type': listOf('source-type', text),
    '--dst-type': listOf('destination-type', text),
  },
  mark: { '--mark': masked('mark') },
  connmark: { '--mark': masked('ct-mark') },
  physdev: {
    '--physdev-in': one('bridge-input', linkSpan),
    '--physdev-out': one('bridge-output', linkSpan),
    '--physdev-is-in': presence('bridge-input'),
    '--physdev-is-out': presence('bridge-output'),
    '--physdev-is-bridged': presence('bridge-output'),
  },
  iprange: {
    '--src-range': one('source', addressRangeSpan),
    '--dst-range': one('destination', addressRangeSpan),
  },
  icmp: { '--icmp-type': icmpType },
  icmp6: { '--icmpv6-type': icmpType },
  pkttype: { '--pkt-type': (option) => inList(option, ['packet-type'], [[{ text: packetType(option) }]]) },
  // It says nothing about the packet.
  comment: { '--comment': (option) => inList(option, [], [[]]) },
};

/** The address type `unicast` of an option is the packet type `host` of the kernel's. */
function packetType({ values: [value = ''] }: Option): string {
  return value === 'unicast' ? 'host' : value;
}

function eitherPort(option: Option): Condition | undefined {
  const spans = (option.values[0] ?? '').split(',').map(portSpan);
  if (spans.some((span) => span === undefined)) return undefined;
  const known = spans.filter((span) => span !== undefined);
  return inList(
    option,
    ['source-port', 'destination-port'],
    known.flatMap((span): Span[][] => [
      [span, 'any'],
      ['any', span],
    ]),
  );
}

const FLAGS: Readonly<Record<string, number>> = {
  FIN: 1,
  SYN: 2,
  RST: 4,
  PSH: 8,
  ACK: 16,
  URG: 32,
  ALL: 63,
  NONE: 0,
};

function tcpFlags(option: Option): Condition | undefined {
  const [mask, value] = option.values.map((names) =>
    names.split(',').reduce((sum, name) => sum | (FLAGS[name] ?? Number.NaN), 0),
  );
  if (mask === undefined || value === undefined) return undefined;
  return { ...base(option, ['tcp-flags']), test: { kind: 'masked', mask, value } };
}

function icmpType(option: Option): Condition | undefined {
  const number = /^(\d+)(?:\/\d+)?$/.exec(option.values[0] ?? '')?.[1];
  if (number === undefined) return undefined;
  return inList(option, ['icmp-type'], [[numberSpan(Number(number))]]);
}

function inList(
  option: Option,
  fields: readonly Field[],
  entries: ReadonlyArray<readonly Span[]>,
): FieldCondition {
  return { ...base(option, fields), test: { kind: 'in', entries } };
}

function base(option: Option, fields: readonly Field[]) {
  const { name, values, negated } = option;
  return {
    kind: 'fields' as const,
    fields,
    negated,
    text: `${negated ? '! ' : ''}${name}${values.length === 0 ? '' : ` ${values.join(' ')}`}`,
  };
}
