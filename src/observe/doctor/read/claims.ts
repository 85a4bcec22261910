/**
 * Who answers for an address: one ARP probe (RFC 5227: from nobody's address, so that no neighbour learns anything) for each container,
 * from its bridge. The only packets that the doctor sends, and they do not leave the bridges.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { addressBytes, addressText, macBytes, macText } from '../../../kernel/address.ts';
import { RouteClient } from '../../../kernel/netlink/index.ts';
import { ETH_P_ARP, PacketSocket } from '../../../kernel/packet/index.ts';
import type { NetworkSpec } from '../../../network/model/index.ts';
import type { TopologyContainer } from '../../topology/records.ts';
import type { AddressClaim } from '../snapshot.ts';

/** Milliseconds for answers: a neighbour on the same bridge takes a fraction of one. */
const PATIENCE = 100;
/** Probes per bridge; networks are rarely larger, and a storm helps nobody. */
const MOST = 1024;

/** linux/if_arp.h: `struct arphdr`, for Ethernet and IPv4, behind 14 bytes of Ethernet header */
const ARP = { operation: 20, senderMac: 22, senderIp: 28, targetIp: 38, length: 42 };
const ARPOP_REQUEST = 1;
const ARPOP_REPLY = 2;

export async function readClaims(
  networks: readonly NetworkSpec[],
  containers: readonly TopologyContainer[],
): Promise<AddressClaim[]> {
  using route = RouteClient.open();
  const endpoints = containers.flatMap(({ sandbox }) => sandbox?.endpoints ?? []);
  const bridges = networks.flatMap(({ id, bridge }) => {
    const link = bridge && route.findLink(bridge.name);
    const addresses = endpoints
      .flatMap(({ networkId, v4 }) => (networkId === id && v4 !== undefined ? [v4.address] : []))
      .slice(0, MOST);
    return link?.up && link.mac !== undefined && addresses.length > 0
      ? [{ index: link.index, name: link.name, mac: link.mac, addresses }]
      : [];
  });
  if (bridges.length === 0) return [];
  // One socket for all bridges: what is not ARP, or not of a bridge, is not kept.
  using socket = PacketSocket.open({ protocol: ETH_P_ARP, snapLength: 128 });
  const claims = new Map<string, Set<string>>();
  socket.watch(() => {
    for (const { data, link } of socket.receive()) {
      if (data.length < ARP.length || data.readUInt16BE(ARP.operation) !== ARPOP_REPLY) continue;
      const sender = addressText(data.subarray(ARP.senderIp, ARP.senderIp + 4));
      const key = `${link} ${sender}`;
      const macs = claims.get(key) ?? new Set();
      claims.set(key, macs.add(macText(data.subarray(ARP.senderMac, ARP.senderMac + 6))));
    }
  });
  for (const { index, mac, addresses } of bridges) {
    for (const address of addresses) socket.send(index, probe(mac, address));
  }
  await sleep(PATIENCE);
  return bridges.flatMap(({ index, name, addresses }) =>
    addresses.map((address) => ({
      address,
      bridge: name,
      macs: [...(claims.get(`${index} ${address}`) ?? [])],
    })),
  );
}

function probe(mac: string, address: string): Buffer {
  const frame = Buffer.alloc(ARP.length);
  frame.fill(0xff, 0, 6);
  const own = macBytes(mac);
  own.copy(frame, 6);
  frame.writeUInt16BE(ETH_P_ARP, 12);
  frame.writeUInt16BE(1, 14); // ARPHRD_ETHER
  frame.writeUInt16BE(0x0800, 16); // ETH_P_IP
  frame.writeUInt8(6, 18);
  frame.writeUInt8(4, 19);
  frame.writeUInt16BE(ARPOP_REQUEST, ARP.operation);
  own.copy(frame, ARP.senderMac);
  addressBytes(address).copy(frame, ARP.targetIp);
  return frame;
}
