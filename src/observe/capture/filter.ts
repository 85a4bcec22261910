/**
 * The language of capture filters: a part of tcpdump's (pcap-filter(7)), with its meanings. Pure.
 *
 *     tcp  udp  sctp  icmp  icmp6  arp  ip  ip6
 *     [src|dst] host ADDRESS    [src|dst] net PREFIX
 *     [tcp|udp|sctp] [src|dst] port N    [tcp|udp|sctp] [src|dst] portrange N-M
 *     not (!)  and (&&)  or (||)  ( )
 */

import { invalid } from '../../base/errors.ts';
import { Prefix } from '../../base/prefix.ts';

export type Direction = 'src' | 'dst' | 'either';

export type FilterNode =
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly FilterNode[] }
  | { readonly kind: 'not'; readonly node: FilterNode }
  | { readonly kind: 'protocol'; readonly protocol: ProtocolWord }
  | { readonly kind: 'net'; readonly direction: Direction; readonly prefix: Prefix }
  | {
      readonly kind: 'port';
      readonly direction: Direction;
      /** Without one: of any that has ports. */
      readonly protocol: TransportWord | undefined;
      readonly first: number;
      readonly last: number;
    };

const TRANSPORTS = ['tcp', 'udp', 'sctp'] as const;
const PROTOCOLS = [...TRANSPORTS, 'icmp', 'icmp6', 'arp', 'ip', 'ip6'] as const;
export type TransportWord = (typeof TRANSPORTS)[number];
export type ProtocolWord = (typeof PROTOCOLS)[number];

/** Words that may stand for one another. */
const SYNONYMS: Readonly<Record<string, string>> = { '&&': 'and', '||': 'or', '!': 'not' };
/** For whoever has used another word. */
const VOCABULARY = `${PROTOCOLS.join(' ')}, [src|dst] host|net|port|portrange, and or not ( )`;
/** Parentheses within parentheses, and `not`s: more is a mistake, or an attempt at our stack. */
const DEPTH_MOST = 50;

/** The addresses of a container, by its name; none for another word. */
export type AddressesOf = (name: string) => readonly string[];

/**
 * Throws `invalid` naming the word that is not understood. An empty text is no filter.
 *
 * @param addressesOf default: hosts have no names
 */
export function parseFilter(text: string, addressesOf: AddressesOf = () => []): FilterNode | undefined {
  const words = (text.match(/\(|\)|&&|\|\||!|[^\s()!&|]+|[&|]/g) ?? []).map((word) => SYNONYMS[word] ?? word);
  if (words.length === 0) return undefined;
  const parser = new Parser(text, words, addressesOf);
  return parser.all();
}

class Parser {
  readonly #text: string;
  readonly #words: readonly string[];
  readonly #addressesOf: AddressesOf;
  #at = 0;
  #depth = 0;

  constructor(text: string, words: readonly string[], addressesOf: AddressesOf) {
    this.#text = text;
    this.#words = words;
    this.#addressesOf = addressesOf;
  }

  all(): FilterNode {
    const node = this.#or();
    if (this.#at < this.#words.length) throw this.#wrong();
    return node;
  }

  #or(): FilterNode {
    return this.#list('or', () => this.#list('and', () => this.#unary()));
  }

  #list(kind: 'and' | 'or', next: () => FilterNode): FilterNode {
    const nodes = [next()];
    while (this.#take(kind)) nodes.push(next());
    return nodes.length === 1 ? nodes[0]! : { kind, nodes };
  }

  #unary(): FilterNode {
    if (++this.#depth > DEPTH_MOST) throw invalid(`invalid filter: nested more than ${DEPTH_MOST} deep`);
    try {
      if (this.#take('not')) return { kind: 'not', node: this.#unary() };
      if (!this.#take('(')) return this.#primitive();
      const node = this.#or();
      if (!this.#take(')')) throw this.#wrong();
      return node;
    } finally {
      this.#depth--;
    }
  }

  #primitive(): FilterNode {
    const protocol = this.#takeOne(PROTOCOLS);
    const transport = TRANSPORTS.find((word) => word === protocol);
    const direction = this.#takeOne(['src', 'dst'] as const) ?? 'either';
    const what = this.#takeOne(['host', 'net', 'port', 'portrange'] as const);
    if (what === undefined) {
      if (protocol === undefined || direction !== 'either') throw this.#wrong();
      return { kind: 'protocol', protocol };
    }
    if (what === 'port' || what === 'portrange') {
      if (protocol !== undefined && transport === undefined) throw this.#wrong(-1);
      return { kind: 'port', direction, protocol: transport, ...this.#ports(what === 'portrange') };
    }
    const nets = this.#prefixes(what === 'host').map(
      (prefix): FilterNode => ({ kind: 'net', direction, prefix }),
    );
    const net: FilterNode = nets.length === 1 ? nets[0]! : { kind: 'or', nodes: nets };
    return protocol === undefined ? net : { kind: 'and', nodes: [{ kind: 'protocol', protocol }, net] };
  }

  #ports(isRange: boolean): { first: number; last: number } {
    const word = this.#words[this.#at] ?? '';
    const [, start, end = start] = (isRange ? /^(\d{1,5})-(\d{1,5})$/ : /^(\d{1,5})$/).exec(word) ?? [];
    const [first, last] = [Number(start), Number(end)];
    // Written so that what is no number at all is refused, too.
    if (!(first <= last && last <= 65_535)) throw this.#wrong();
    this.#at++;
    return { first, last };
  }

  /** Of a network one; of a host as many as it has addresses. */
  #prefixes(isHost: boolean): Prefix[] {
    const word = this.#words[this.#at] ?? '';
    const own = (address: string) => Prefix.tryParse(`${address}/${address.includes(':') ? 128 : 32}`) ?? [];
    const given = [isHost ? own(word) : (Prefix.tryParse(word) ?? [])].flat();
    const prefixes = given.length === 0 && isHost ? this.#addressesOf(word).flatMap(own) : given;
    if (prefixes.length === 0) throw this.#wrong();
    this.#at++;
    return prefixes;
  }

  #take(word: string): boolean {
    if (this.#words[this.#at] !== word) return false;
    this.#at++;
    return true;
  }

  #takeOne<W extends string>(words: readonly W[]): W | undefined {
    const word = words.find((candidate) => candidate === this.#words[this.#at]);
    if (word !== undefined) this.#at++;
    return word;
  }

  #wrong(offset = 0): Error {
    const word = this.#words[this.#at + offset];
    const where = word === undefined ? 'it ends too early' : `at ${JSON.stringify(word)}`;
    return invalid(`invalid filter ${JSON.stringify(this.#text)}: ${where} (it is made of ${VOCABULARY})`);
  }
}
