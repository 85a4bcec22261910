/** Numbers of the DNS protocol that are looked at here. Everything else is passed on as it came. */

/** Record types: RFC 1035, 3.2.2; AAAA RFC 3596; OPT and BADVERS RFC 6891; transfers RFC 5936 and 1995. */
export const TYPE = {
  A: 1,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  OPT: 41,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

/** The only class in use: `IN`. */
export const CLASS_IN = 1;

/** Response codes: RFC 1035, 4.1.1. Those above 15 have their upper bits in the OPT record (RFC 6891, 6.1.3). */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

/** Bits of the second 16-bit word of the header: RFC 1035, 4.1.1; AD and CD RFC 4035. */
export const FLAG = {
  /** it is a response */
  QR: 0x8000,
  /** four bits */
  OPCODE: 0x7800,
  AA: 0x0400,
  /** truncated */
  TC: 0x0200,
  /** recursion desired */
  RD: 0x0100,
  /** recursion available */
  RA: 0x0080,
  AD: 0x0020,
  CD: 0x0010,
  RCODE: 0x000f,
} as const;

/** In the OPT record's TTL: DNSSEC records are welcome (RFC 3225). */
export const EDNS_DO = 0x8000;

/** EDNS options that concern one hop only: COOKIE (RFC 7873), edns-tcp-keepalive (RFC 7828), Padding (RFC 7830). */
export const HOP_OPTIONS: readonly number[] = [10, 11, 12];

/** Bytes of the header. */
export const HEADER_LENGTH = 12;
/** Longest message without EDNS over UDP: RFC 1035, 2.3.4. */
export const UDP_LENGTH_DEFAULT = 512;
/** What is told others about the longest message over UDP: fits every path unfragmented (dnsflagday.net/2020). */
export const UDP_LENGTH_OURS = 1232;
/** Over TCP the length has two bytes. */
export const MESSAGE_LENGTH_MAX = 65535;
