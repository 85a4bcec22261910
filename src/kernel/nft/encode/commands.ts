/** Commands of nft(8) as netlink messages: chains and elements that come and go, and the rules of new chains. */

import { AF_INET, AF_INET6 } from '../../address.ts';
import type { AttributeWriter } from '../../netlink/attributes.ts';
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from '../../netlink/constants.ts';
import { type NetlinkRequest, netlinkRequest } from '../../netlink/message.ts';
import { NFNL_SUBSYS_NFTABLES, nfgenmsg, nfnlType } from '../../netlink/netfilter.ts';
import {
  NFT_MSG,
  NFTA_CHAIN,
  NFTA_DATA,
  NFTA_LIST_ELEM,
  NFTA_RULE,
  NFTA_SET_ELEM,
  NFTA_SET_ELEM_LIST,
  NFTNL_UDATA_RULE_COMMENT,
  VERDICT,
} from './constants.ts';
import { writeVerdict } from './expressions.ts';
import { encodeRule, type NftSetTypes } from './rule.ts';
import { encodeValue, NotEncodable, rangeEnds } from './values.ts';

/** By name; sets of the same name in tables of both families are told apart by the table: `ip docker-bridges`. */
export type NftSets = ReadonlyMap<string, ReadonlyMap<string, NftSetTypes>>;

/** How many elements go into one message: an attribute holds 64 KiB, and an element takes about 100 bytes. */
const ELEMENTS_PER_MESSAGE = 256;

/**
 * The messages for a text of commands, one to a line; `undefined` when there is anything in it that only libnftables knows.
 *
 * @param sets every set and map that is named in the text
 */
export function encodeNft(text: string, sets: NftSets): NetlinkRequest[] | undefined {
  try {
    return text
      .split('\n')
      .filter((line) => line !== '')
      .flatMap((line) => encodeCommand(line, sets));
  } catch (error) {
    if (error instanceof NotEncodable) return undefined;
    throw error;
  }
}

interface Place {
  readonly family: 'ip' | 'ip6';
  readonly table: string;
  /** Of the chain, set or map. */
  readonly name: string;
  readonly sets: ReadonlyMap<string, NftSetTypes>;
}

function encodeCommand(line: string, sets: NftSets): NetlinkRequest[] {
  const [, verb = '', kind = '', family, table = '', name = '', rest = ''] =
    /^(\w+) (chain|rule|element) (ip6?) (\S+) (\S+)(?: (.*))?$/.exec(line) ?? [];
  const known = sets.get(`${family} ${table}`);
  if ((family !== 'ip' && family !== 'ip6') || known === undefined) throw new NotEncodable(line);
  const place = { family, table, name, sets: known } as const;
  switch (`${verb} ${kind}`) {
    case 'create chain':
      // A base chain has a body.
      if (rest !== '') throw new NotEncodable(line);
      return [chainRequest(line, NFT_MSG.NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, place)];
    case 'delete chain':
      return [chainRequest(line, NFT_MSG.DELCHAIN, 0, place)];
    case 'flush chain':
      return [
        request(line, NFT_MSG.DELRULE, 0, place, (message) =>
          message.string(NFTA_RULE.TABLE, table).string(NFTA_RULE.CHAIN, name),
        ),
      ];
    case 'add rule':
      return [ruleRequest(line, place, rest)];
    case 'add element':
      return elementRequests(line, NFT_MSG.NEWSETELEM, NLM_F_CREATE, place, rest);
    case 'delete element':
      return elementRequests(line, NFT_MSG.DELSETELEM, 0, place, rest);
    default:
      throw new NotEncodable(line);
  }
}

function request(
  line: string,
  type: number,
  flags: number,
  { family }: Place,
  fill: (message: AttributeWriter) => void,
): NetlinkRequest {
  const head = nfgenmsg(family === 'ip' ? AF_INET : AF_INET6);
  return netlinkRequest(`nft ${line}`, nfnlType(NFNL_SUBSYS_NFTABLES, type), flags, head, fill);
}

function chainRequest(line: string, type: number, flags: number, place: Place): NetlinkRequest {
  return request(line, type, flags, place, (message) =>
    message.string(NFTA_CHAIN.TABLE, place.table).string(NFTA_CHAIN.NAME, place.name),
  );
}

function ruleRequest(line: string, place: Place, rest: string): NetlinkRequest {
  const [, text = '', comment] = /^(.*?)(?: comment "([^"]*)")?$/.exec(rest) ?? [];
  const expressions = encodeRule(text, place);
  return request(line, NFT_MSG.NEWRULE, NLM_F_CREATE | NLM_F_APPEND, place, (message) => {
    message
      .string(NFTA_RULE.TABLE, place.table)
      .string(NFTA_RULE.CHAIN, place.name)
      .nested(NFTA_RULE.EXPRESSIONS, (list) => {
        for (const write of expressions) write(list);
      });
    if (comment !== undefined) message.bytes(NFTA_RULE.USERDATA, commentBytes(comment));
  });
}

/** `struct nftnl_udata { uint8_t type; uint8_t len; unsigned char value[]; }`, the text with its NUL */
function commentBytes(comment: string): Buffer {
  const text = Buffer.from(`${comment}\0`);
  if (text.length > 0xff) throw new NotEncodable(comment);
  return Buffer.concat([Buffer.from([NFTNL_UDATA_RULE_COMMENT, text.length]), text]);
}

function elementRequests(
  line: string,
  type: number,
  flags: number,
  place: Place,
  rest: string,
): NetlinkRequest[] {
  const set = place.sets.get(place.name);
  const [, list] = /^\{ (.*) \}$/.exec(rest) ?? [];
  if (set === undefined || list === undefined) throw new NotEncodable(line);
  const elements = list.split(', ').map((text) => elementWriter(text, set));
  const requests: NetlinkRequest[] = [];
  for (let at = 0; at < elements.length; at += ELEMENTS_PER_MESSAGE) {
    requests.push(
      request(line, type, flags, place, (message) =>
        message
          .string(NFTA_SET_ELEM_LIST.TABLE, place.table)
          .string(NFTA_SET_ELEM_LIST.SET, place.name)
          .nested(NFTA_SET_ELEM_LIST.ELEMENTS, (inner) => {
            for (const write of elements.slice(at, at + ELEMENTS_PER_MESSAGE)) {
              inner.nested(NFTA_LIST_ELEM, write);
            }
          }),
      ),
    );
  }
  return requests;
}

/** In a set of ranges every key has two ends, a single one the same twice. */
function elementWriter(text: string, set: NftSetTypes): (elem: AttributeWriter) => void {
  const [key = '', data] = text.split(' : ');
  const [first, last] = set.interval ? rangeEnds(key) : [key, undefined];
  const keyBytes = encodeValue(first, set.keyType);
  const endBytes = last === undefined ? undefined : encodeValue(last, set.keyType);
  const writeData = data === undefined ? undefined : dataWriter(data, set);
  return (elem) => {
    elem.nested(NFTA_SET_ELEM.KEY, (inner) => inner.bytes(NFTA_DATA.VALUE, keyBytes));
    if (writeData !== undefined) elem.nested(NFTA_SET_ELEM.DATA, writeData);
    if (endBytes !== undefined) {
      elem.nested(NFTA_SET_ELEM.KEY_END, (inner) => inner.bytes(NFTA_DATA.VALUE, endBytes));
    }
  };
}

function dataWriter(data: string, { dataType }: NftSetTypes): (inner: AttributeWriter) => void {
  if (dataType === 'verdict') {
    const [, chain] = /^jump (\S+)$/.exec(data) ?? [];
    if (chain === undefined) throw new NotEncodable(data);
    return (inner) => writeVerdict(inner, VERDICT.jump, chain);
  }
  const bytes = encodeValue(data, dataType ?? '');
  return (inner) => inner.bytes(NFTA_DATA.VALUE, bytes);
}
