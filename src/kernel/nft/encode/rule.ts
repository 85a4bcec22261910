/**
 * Rules of ours in nft's language, as instructions for the kernel: those that networks have for themselves. Anything else is
 * `NotEncodable`, and libnftables knows it. What is made here is what nft(8) 1.0.6 makes (`nft --debug=netlink`).
 */

import { Prefix } from '../../../base/prefix.ts';
import { AF_INET, AF_INET6 } from '../../address.ts';
import {
  CT_STATE,
  IPS_DST_NAT,
  NFT_CT,
  NFT_META,
  NFT_PAYLOAD,
  NFT_REG_1,
  NFT_REG32_00,
  RTN_LOCAL,
  VERDICT,
} from './constants.ts';
import {
  compare,
  counter,
  ct,
  type Expression,
  lookup,
  mask,
  masquerade,
  meta,
  payload,
  sourceNat,
  sourceType,
  toNetworkOrder,
  verdict,
} from './expressions.ts';
import { encodeInterface, encodeValue, NotEncodable, PROTOCOLS } from './values.ts';

/** What rules and elements have to know of a set or map: nft's words for its types. */
export interface NftSetTypes {
  /** `ipv4_addr . inet_proto . inet_service` */
  readonly keyType: string;
  readonly dataType?: string;
  /** Keys may be ranges. */
  readonly interval: boolean;
}

export interface RuleContext {
  readonly family: 'ip' | 'ip6';
  readonly sets: ReadonlyMap<string, NftSetTypes>;
}

/** A part of a packet that can be compared, or looked up. */
interface Field {
  /** Bytes. */
  readonly length: number;
  readonly load: (register: number) => Expression;
  readonly isProtocol?: boolean;
}

/** The words of a rule, read one after the other. */
class Words {
  readonly #words: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#words = text.split(' ');
  }

  get isEnd(): boolean {
    return this.#at >= this.#words.length;
  }

  next(): string {
    const word = this.#words[this.#at++];
    if (word === undefined) throw new NotEncodable('the rule ends');
    return word;
  }

  /** True, and read, when this is the next word. */
  take(word: string): boolean {
    if (this.#words[this.#at] !== word) return false;
    this.#at++;
    return true;
  }
}

/** @throws NotEncodable */
export function encodeRule(text: string, context: RuleContext): Expression[] {
  const words = new Words(text);
  const expressions: Expression[] = [];
  while (!words.isEnd) expressions.push(...readStatement(words, context));
  return expressions;
}

function readStatement(words: Words, context: RuleContext): readonly Expression[] {
  const word = words.next();
  switch (word) {
    case 'iifname':
      return readInterface(words, NFT_META.IIFNAME);
    case 'oifname':
      return readInterface(words, NFT_META.OIFNAME);
    case 'ct':
      return readConnection(words);
    case 'ip':
    case 'ip6':
    case 'meta':
      return readFields(word, words, context);
    case 'fib':
      if (words.next() !== 'saddr' || words.next() !== 'type' || words.next() !== 'local') break;
      return [sourceType(), compare(word32(RTN_LOCAL))];
    case 'counter':
      return [counter()];
    case 'accept':
    case 'drop':
    case 'return':
      return [verdict(VERDICT[word])];
    case 'jump':
      return [verdict(VERDICT.jump, words.next())];
    case 'masquerade':
      return [masquerade()];
    case 'snat':
      if (words.next() !== 'to') break;
      return sourceNat(
        encodeValue(words.next(), addressType(context)),
        context.family === 'ip' ? AF_INET : AF_INET6,
      );
  }
  throw new NotEncodable(word);
}

function readInterface(words: Words, key: number): Expression[] {
  const isEqual = !words.take('!=');
  const operand = words.next();
  return [
    meta(key),
    operand.startsWith('@') ? lookup(operand.slice(1), isEqual) : compare(encodeInterface(operand), isEqual),
  ];
}

/** `ct state established,related`, `ct status dnat`, `ct status ! dnat` */
function readConnection(words: Words): Expression[] {
  const what = words.next();
  if (what === 'state') {
    const bits = words
      .next()
      .split(',')
      .map((state) => CT_STATE[state] ?? 0);
    if (bits.includes(0)) throw new NotEncodable('ct state');
    return [ct(NFT_CT.STATE), mask(word32(bits.reduce((sum, bit) => sum | bit))), compare(word32(0), false)];
  }
  if (what !== 'status') throw new NotEncodable(what);
  const isSet = !words.take('!');
  if (words.next() !== 'dnat') throw new NotEncodable('ct status');
  return [ct(NFT_CT.STATUS), mask(word32(IPS_DST_NAT)), compare(word32(0), !isSet)];
}

/** One field and a value, or several and a set: `ip saddr . ip daddr @nat-hairpin`. */
function readFields(first: string, words: Words, context: RuleContext): Expression[] {
  const fields = [readField(first, words, context)];
  while (words.take('.')) fields.push(readField(words.next(), words, context));
  const operand = words.next();
  if (operand.startsWith('@')) return lookUp(fields, operand.slice(1), context);
  const [field] = fields;
  if (field === undefined || fields.length > 1) throw new NotEncodable(operand);
  if (field.isProtocol) {
    const number = PROTOCOLS[operand];
    if (number === undefined) throw new NotEncodable(operand);
    return [field.load(NFT_REG_1), compare(Uint8Array.of(number))];
  }
  return inPrefix(first, field, operand);
}

function lookUp(fields: readonly Field[], name: string, { sets }: RuleContext): Expression[] {
  const set = sets.get(name);
  if (set === undefined || set.keyType.split(' . ').length !== fields.length) throw new NotEncodable(name);
  let word = 0;
  const loads = fields.flatMap(({ load, length, isProtocol }) => {
    const register = word === 0 ? NFT_REG_1 : NFT_REG32_00 + word;
    word += (length + 3) >> 2;
    return isProtocol && set.interval ? [load(register), toNetworkOrder(register)] : [load(register)];
  });
  return [...loads, lookup(name)];
}

/** Whole bytes of a prefix are compared as they are, and only others masked. */
function inPrefix(header: string, field: Field, text: string): Expression[] {
  const prefix = Prefix.tryParse(text.includes('/') ? text : `${text}/${field.length * 8}`);
  if (prefix === undefined || prefix.length === 0 || prefix.family !== (header === 'ip' ? 4 : 6)) {
    throw new NotEncodable(text);
  }
  const bytes = prefix.first.toBytes();
  if (prefix.length % 8 === 0) {
    const length = prefix.length / 8;
    return [addressLoad(header, field, length), compare(bytes.subarray(0, length))];
  }
  return [addressLoad(header, field, field.length), mask(prefix.netmask.toBytes()), compare(bytes)];
}

interface AddressField extends Field {
  readonly offset: number;
}

function addressLoad(header: string, field: Field, length: number): Expression {
  const { offset } = field as AddressField;
  if (offset === undefined) throw new NotEncodable(header);
  return payload(NFT_PAYLOAD.NETWORK_HEADER, offset, length);
}

/** Offsets in `struct iphdr` and `struct ipv6hdr`. */
const ADDRESSES: Readonly<Record<string, { offset: number; length: number }>> = {
  'ip saddr': { offset: 12, length: 4 },
  'ip daddr': { offset: 16, length: 4 },
  'ip6 saddr': { offset: 8, length: 16 },
  'ip6 daddr': { offset: 24, length: 16 },
};
/** In `struct iphdr`. */
const IP_PROTOCOL_OFFSET = 9;
/** Of ports, in every transport's header. */
const PORTS: Readonly<Record<string, number>> = { sport: 0, dport: 2 };

function readField(first: string, words: Words, context: RuleContext): Field | AddressField {
  const second = words.next();
  const name = `${first} ${second}`;
  const address = ADDRESSES[name];
  if (address !== undefined && first === context.family) {
    const { offset, length } = address;
    return { ...address, load: (register) => payload(NFT_PAYLOAD.NETWORK_HEADER, offset, length, register) };
  }
  if (name === 'meta l4proto') {
    return { length: 1, isProtocol: true, load: (register) => meta(NFT_META.L4PROTO, register) };
  }
  if (name === 'ip protocol' && context.family === 'ip') {
    const load = (register: number) => payload(NFT_PAYLOAD.NETWORK_HEADER, IP_PROTOCOL_OFFSET, 1, register);
    return { length: 1, isProtocol: true, load };
  }
  const port = PORTS[second];
  if (first !== 'th' || port === undefined) throw new NotEncodable(name);
  return { length: 2, load: (register) => payload(NFT_PAYLOAD.TRANSPORT_HEADER, port, 2, register) };
}

function addressType({ family }: RuleContext): string {
  return family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
}

/** In the order of this machine, as the kernel has such values in its registers. */
function word32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
