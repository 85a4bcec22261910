/** From a filter to instructions that the kernel executes for every frame of an Ethernet interface. Pure. */

import { invalid } from '../../base/errors.ts';
import type { Prefix } from '../../base/prefix.ts';
import { BPF, BPF_INTERFACE, BPF_MOST, type BpfInstruction } from '../../kernel/packet/index.ts';
import type { Direction, FilterNode, ProtocolWord, TransportWord } from './filter.ts';

/** Offsets in a frame: the Ethernet header has 14 bytes. */
const ETHER_TYPE = 12;
const IP4 = { fragment: 20, protocol: 23, source: 26, destination: 30, start: 14 };
const IP6 = { next: 20, source: 22, destination: 38, payload: 54 };
const ARP = { sender: 28, target: 38 };
/** linux/if_ether.h */
const ETH_P = { ip: 0x0800, ip6: 0x86dd, arp: 0x0806 } as const;
/** `IPPROTO_*` */
const TRANSPORT: Readonly<Record<TransportWord, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** A question to a frame: instructions that load something, and a comparison with it. */
interface Test {
  readonly load: readonly BpfInstruction[];
  readonly jump: number;
  readonly k: number;
}

type Logic =
  | { readonly test: Test }
  | { readonly all: readonly Logic[] }
  | { readonly any: readonly Logic[] }
  | { readonly not: Logic };

const statement = (code: number, k: number): BpfInstruction => ({ code, jt: 0, jf: 0, k });
const equals = (code: number, at: number, k: number): Logic => ({
  test: { load: [statement(code, at)], jump: BPF.jumpEqual, k },
});

/**
 * A program that keeps `snapLength` bytes of the frames that the filter means, and nothing of others.
 *
 * @param filter undefined: every frame
 * @param links only frames of these interfaces; default: of all that the socket sees
 */
export function compileFilter(
  filter: FilterNode | undefined,
  snapLength: number,
  links?: readonly number[],
): BpfInstruction[] {
  const accept = links === undefined ? [statement(BPF.return, snapLength)] : linkTests(links, snapLength);
  const program = [...(filter === undefined ? [] : assemble(logicOf(filter))), ...accept];
  if (program.length > BPF_MOST) {
    throw invalid(
      `the filter is too long: it takes ${program.length} instructions, and ${BPF_MOST} are the most`,
    );
  }
  return program;
}

/** Behind the filter, so that no jump has to be long. */
function linkTests(links: readonly number[], snapLength: number): BpfInstruction[] {
  return [
    statement(BPF.loadWord, BPF_INTERFACE),
    ...links.flatMap((k) => [{ code: BPF.jumpEqual, jt: 0, jf: 1, k }, statement(BPF.return, snapLength)]),
    statement(BPF.return, 0),
  ];
}

function logicOf(node: FilterNode): Logic {
  switch (node.kind) {
    case 'and':
      return { all: node.nodes.map(logicOf) };
    case 'or':
      return { any: node.nodes.map(logicOf) };
    case 'not':
      return { not: logicOf(node.node) };
    case 'protocol':
      return protocol(node.protocol);
    case 'net':
      return net(node.prefix, node.direction);
    case 'port':
      return port(node);
  }
}

const ether = (type: keyof typeof ETH_P) => equals(BPF.loadHalf, ETHER_TYPE, ETH_P[type]);

/** Extension headers of IPv6 are not walked, as tcpdump's `tcp` does not. */
const transport = (number: number): Logic => ({
  any: [
    { all: [ether('ip'), equals(BPF.loadByte, IP4.protocol, number)] },
    { all: [ether('ip6'), equals(BPF.loadByte, IP6.next, number)] },
  ],
});

function protocol(word: ProtocolWord): Logic {
  switch (word) {
    case 'arp':
    case 'ip':
    case 'ip6':
      return ether(word);
    case 'icmp':
      return { all: [ether('ip'), equals(BPF.loadByte, IP4.protocol, 1)] };
    case 'icmp6':
      return { all: [ether('ip6'), equals(BPF.loadByte, IP6.next, 58)] };
    default:
      return transport(TRANSPORT[word]);
  }
}

/** The packets from or to it, and of IPv4 also who asks for it by ARP, as tcpdump has it. */
function net(prefix: Prefix, direction: Direction): Logic {
  if (prefix.length === 0) return prefix.family === 6 ? ether('ip6') : { any: [ether('ip'), ether('arp')] };
  const bytes = Buffer.from(prefix.address.toBytes());
  const at = (source: number, destination: number): Logic => ({
    any: [
      ...(direction === 'dst' ? [] : [masked(bytes, prefix.length, source)]),
      ...(direction === 'src' ? [] : [masked(bytes, prefix.length, destination)]),
    ],
  });
  if (prefix.family === 6) return { all: [ether('ip6'), at(IP6.source, IP6.destination)] };
  return {
    any: [
      { all: [ether('ip'), at(IP4.source, IP4.destination)] },
      { all: [ether('arp'), at(ARP.sender, ARP.target)] },
    ],
  };
}

/** The bits of the prefix at an offset, a word at a time. */
function masked(bytes: Buffer, length: number, offset: number): Logic {
  const words: Logic[] = [];
  for (let at = 0; at < bytes.length && at * 8 < length; at += 4) {
    const bits = Math.min(32, length - at * 8);
    const mask = bits === 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0;
    const load = [statement(BPF.loadWord, offset + at), ...(bits === 32 ? [] : [statement(BPF.and, mask)])];
    words.push({ test: { load, jump: BPF.jumpEqual, k: (bytes.readUInt32BE(at) & mask) >>> 0 } });
  }
  return { all: words };
}

function port(node: Extract<FilterNode, { kind: 'port' }>): Logic {
  const numbers = node.protocol === undefined ? Object.values(TRANSPORT) : [TRANSPORT[node.protocol]];
  const ports = (load: (offset: number) => readonly BpfInstruction[]): Logic => ({
    any: [
      ...(node.direction === 'dst' ? [] : [within(load(0), node.first, node.last)]),
      ...(node.direction === 'src' ? [] : [within(load(2), node.first, node.last)]),
    ],
  });
  // Later fragments have no ports.
  const firstFragment: Logic = {
    not: { test: { load: [statement(BPF.loadHalf, IP4.fragment)], jump: BPF.jumpAnySet, k: 0x1fff } },
  };
  return {
    any: [
      {
        all: [
          ether('ip'),
          { any: numbers.map((number) => equals(BPF.loadByte, IP4.protocol, number)) },
          firstFragment,
          ports((offset) => [
            statement(BPF.loadHeaderLength, IP4.start),
            statement(BPF.loadHalfIndexed, IP4.start + offset),
          ]),
        ],
      },
      {
        all: [
          ether('ip6'),
          { any: numbers.map((number) => equals(BPF.loadByte, IP6.next, number)) },
          ports((offset) => [statement(BPF.loadHalf, IP6.payload + offset)]),
        ],
      },
    ],
  };
}

function within(load: readonly BpfInstruction[], first: number, last: number): Logic {
  if (first === last) return { test: { load, jump: BPF.jumpEqual, k: first } };
  return {
    all: [
      { test: { load, jump: BPF.jumpAtLeast, k: first } },
      { not: { test: { load, jump: BPF.jumpAtLeast, k: last + 1 } } },
    ],
  };
}

/** Where a jump leads; its place is known at the end. */
interface Label {
  at: number;
}

interface Pending {
  readonly code: number;
  readonly k: number;
  readonly yes?: Label;
  readonly no?: Label;
}

/** Instructions that go on behind themselves for the frames that are meant, and drop the others. */
function assemble(logic: Logic): BpfInstruction[] {
  const code: Pending[] = [];
  const place = (label: Label) => {
    label.at = code.length;
  };
  const emit = (part: Logic, yes: Label, no: Label): void => {
    if ('not' in part) emit(part.not, no, yes);
    else if ('test' in part) {
      for (const { code: operation, k } of part.test.load) code.push({ code: operation, k });
      code.push({ code: part.test.jump, k: part.test.k, yes, no });
    } else {
      const parts = 'all' in part ? part.all : part.any;
      for (const [index, each] of parts.entries()) {
        if (index === parts.length - 1) {
          emit(each, yes, no);
          continue;
        }
        const next: Label = { at: 0 };
        if ('all' in part) emit(each, next, no);
        else emit(each, yes, next);
        place(next);
      }
    }
  };
  const [yes, no]: [Label, Label] = [{ at: 0 }, { at: 0 }];
  emit(logic, yes, no);
  place(no);
  code.push({ code: BPF.return, k: 0 });
  place(yes);
  return code.map(({ code: operation, k, yes: whenTrue, no: whenFalse }, at) => ({
    code: operation,
    k,
    jt: skip(whenTrue, at),
    jf: skip(whenFalse, at),
  }));
}

function skip(label: Label | undefined, from: number): number {
  const count = label === undefined ? 0 : label.at - from - 1;
  if (count > 255) throw invalid('the filter is too long: a jump in it skips more than 255 instructions');
  return count;
}
