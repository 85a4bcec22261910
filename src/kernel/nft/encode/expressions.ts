/** The instructions that rules are made of. Each writes one `NFTA_LIST_ELEM` of a rule's `NFTA_RULE_EXPRESSIONS`. */

import type { AttributeWriter } from '../../netlink/attributes.ts';
import {
  NFT_BYTEORDER_HTON,
  NFT_CMP,
  NFT_FIB_RESULT_ADDRTYPE,
  NFT_LOOKUP_F_INV,
  NFT_NAT_SNAT,
  NFT_REG_1,
  NFT_REG_VERDICT,
  NFTA_BITWISE,
  NFTA_BYTEORDER,
  NFTA_CMP,
  NFTA_COUNTER,
  NFTA_CT,
  NFTA_DATA,
  NFTA_EXPR,
  NFTA_FIB,
  NFTA_FIB_F_SADDR,
  NFTA_IMMEDIATE,
  NFTA_LIST_ELEM,
  NFTA_LOOKUP,
  NFTA_META,
  NFTA_NAT,
  NFTA_PAYLOAD,
  NFTA_VERDICT,
} from './constants.ts';

export type Expression = (list: AttributeWriter) => void;

function expression(name: string, fill: (data: AttributeWriter) => void): Expression {
  return (list) => {
    list.nested(NFTA_LIST_ELEM, (elem) => elem.string(NFTA_EXPR.NAME, name).nested(NFTA_EXPR.DATA, fill));
  };
}

export const meta = (key: number, register = NFT_REG_1): Expression =>
  expression('meta', (data) => data.u32be(NFTA_META.DREG, register).u32be(NFTA_META.KEY, key));

export const ct = (key: number): Expression =>
  expression('ct', (data) => data.u32be(NFTA_CT.DREG, NFT_REG_1).u32be(NFTA_CT.KEY, key));

export const payload = (base: number, offset: number, length: number, register = NFT_REG_1): Expression =>
  expression('payload', (data) =>
    data
      .u32be(NFTA_PAYLOAD.DREG, register)
      .u32be(NFTA_PAYLOAD.BASE, base)
      .u32be(NFTA_PAYLOAD.OFFSET, offset)
      .u32be(NFTA_PAYLOAD.LEN, length),
  );

export const compare = (value: Uint8Array, isEqual = true): Expression =>
  expression('cmp', (data) =>
    data
      .u32be(NFTA_CMP.SREG, NFT_REG_1)
      .u32be(NFTA_CMP.OP, isEqual ? NFT_CMP.EQ : NFT_CMP.NEQ)
      .nested(NFTA_CMP.DATA, (inner) => inner.bytes(NFTA_DATA.VALUE, value)),
  );

/** The register with all but `mask` taken off. */
export const mask = (bits: Uint8Array): Expression =>
  expression('bitwise', (data) =>
    data
      .u32be(NFTA_BITWISE.SREG, NFT_REG_1)
      .u32be(NFTA_BITWISE.DREG, NFT_REG_1)
      .u32be(NFTA_BITWISE.LEN, bits.length)
      .nested(NFTA_BITWISE.MASK, (inner) => inner.bytes(NFTA_DATA.VALUE, bits))
      .nested(NFTA_BITWISE.XOR, (inner) => inner.bytes(NFTA_DATA.VALUE, new Uint8Array(bits.length))),
  );

/** nft(8) turns a protocol round before it is looked up in a set of ranges. With one byte that does nothing. */
export const toNetworkOrder = (register: number): Expression =>
  expression('byteorder', (data) =>
    data
      .u32be(NFTA_BYTEORDER.SREG, register)
      .u32be(NFTA_BYTEORDER.DREG, register)
      .u32be(NFTA_BYTEORDER.OP, NFT_BYTEORDER_HTON)
      .u32be(NFTA_BYTEORDER.LEN, 1)
      .u32be(NFTA_BYTEORDER.SIZE, 2),
  );

export const lookup = (set: string, isIn = true): Expression =>
  expression('lookup', (data) => {
    data.string(NFTA_LOOKUP.SET, set).u32be(NFTA_LOOKUP.SREG, NFT_REG_1);
    if (!isIn) data.u32be(NFTA_LOOKUP.FLAGS, NFT_LOOKUP_F_INV);
  });

/** The type of a packet's source address (RTN_LOCAL and so on), by the routing tables. */
export const sourceType = (): Expression =>
  expression('fib', (data) =>
    data
      .u32be(NFTA_FIB.DREG, NFT_REG_1)
      .u32be(NFTA_FIB.RESULT, NFT_FIB_RESULT_ADDRTYPE)
      .u32be(NFTA_FIB.FLAGS, NFTA_FIB_F_SADDR),
  );

export const counter = (): Expression =>
  expression('counter', (data) =>
    data.bytes(NFTA_COUNTER.BYTES, new Uint8Array(8)).bytes(NFTA_COUNTER.PACKETS, new Uint8Array(8)),
  );

export const verdict = (code: number, chain?: string): Expression =>
  expression('immediate', (data) =>
    data
      .u32be(NFTA_IMMEDIATE.DREG, NFT_REG_VERDICT)
      .nested(NFTA_IMMEDIATE.DATA, (inner) => writeVerdict(inner, code, chain)),
  );

export function writeVerdict(data: AttributeWriter, code: number, chain?: string): void {
  data.nested(NFTA_DATA.VERDICT, (inner) => {
    inner.u32be(NFTA_VERDICT.CODE, code >>> 0);
    if (chain !== undefined) inner.string(NFTA_VERDICT.CHAIN, chain);
  });
}

export const masquerade = (): Expression => expression('masq', () => {});

/** @param family `AF_INET` or `AF_INET6` */
export const sourceNat = (address: Uint8Array, family: number): readonly Expression[] => [
  expression('immediate', (data) =>
    data
      .u32be(NFTA_IMMEDIATE.DREG, NFT_REG_1)
      .nested(NFTA_IMMEDIATE.DATA, (inner) => inner.bytes(NFTA_DATA.VALUE, address)),
  ),
  expression('nat', (data) =>
    data
      .u32be(NFTA_NAT.TYPE, NFT_NAT_SNAT)
      .u32be(NFTA_NAT.FAMILY, family)
      .u32be(NFTA_NAT.REG_ADDR_MIN, NFT_REG_1),
  ),
];
