import assert from 'node:assert/strict';
import { it } from 'node:test';
import { libc } from '../../kernel/ffi/libc.ts';
import { encodeSockaddr } from '../../kernel/ffi/sockaddr.ts';
import { IptablesRunner } from '../../kernel/iptables/index.ts';
import { warmThreadPool, withNetns } from '../../kernel/netns/index.ts';
import { readConntrackUse } from '../../kernel/proc/index.ts';
import { closeSocket, openUdpSocket } from '../../kernel/sockets.ts';
import { readSysctlNumber } from '../../kernel/sysctl.ts';
import { testNetworks } from '../../kernel/testing/netns.ts';
import { conntrackFull } from './checks/traffic.ts';
import type { Snapshot } from './snapshot.ts';

/** A table larger than this takes too long to fill; the limit is one of the whole machine, and not ours to change. */
const MOST = 400_000;

it('a table of connections that is really full is found by its counters', async (t) => {
  const limit = readSysctlNumber('net/netfilter/nf_conntrack_max');
  if (limit > MOST) return t.skip(`nf_conntrack_max is ${limit}`);
  await warmThreadPool();
  using networks = testNetworks();
  const netns = networks.create('host');
  // Connections are tracked only in a namespace where some rule asks for it.
  await new IptablesRunner({ family: 4, netns }).restore(
    '*filter\n-A OUTPUT -m conntrack --ctstate INVALID -j DROP\n-A INPUT -p udp -j DROP\n-A INPUT -p icmp -j DROP\nCOMMIT\n',
  );
  const find = () =>
    withNetns(netns, () => {
      const use = readConntrackUse();
      return conntrackFull.find({ conntrack: () => use } as Snapshot);
    });
  assert.deepEqual(find(), []);
  // A connection for each port of each loopback address; one datagram more than there is room for.
  const socket = openUdpSocket({ netns, address: '127.0.0.1', port: 0 });
  const byte = Buffer.from('x');
  let sent = 0;
  for (let host = 1; sent <= limit; host++) {
    const to = encodeSockaddr({ address: `127.0.1.${host}`, port: 1 });
    for (let port = 1; port <= 65_535 && sent <= limit; port++, sent++) {
      to.writeUInt16BE(port, 2);
      libc().sendto(socket.fd, byte, 1, 0, to, to.length);
    }
  }
  const [finding] = find();
  closeSocket(socket);
  assert.equal(finding?.check, 'conntrack-full');
  // Connections without an answer are forgotten early to make room, and what finds none is lost.
  assert.match(finding?.evidence.at(-1) ?? '', /drop [1-9]/);
});
