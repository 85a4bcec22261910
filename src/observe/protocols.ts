/** IANA's Assigned Internet Protocol Numbers, those that hosts meet; the names in small letters as in protocols(5). */
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'icmp',
  2: 'igmp',
  4: 'ipip',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  41: 'ipv6',
  47: 'gre',
  50: 'esp',
  51: 'ah',
  58: 'icmpv6',
  89: 'ospf',
  103: 'pim',
  112: 'vrrp',
  132: 'sctp',
  136: 'udplite',
};

/** `tcp`; the number of one that has no name here. */
export const protocolName = (protocol: number): string => PROTOCOLS[protocol] ?? String(protocol);
