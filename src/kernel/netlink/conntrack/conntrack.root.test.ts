import assert from 'node:assert/strict';
import { it } from 'node:test';
import { check, libc } from '../../ffi/libc.ts';
import { encodeSockaddr } from '../../ffi/sockaddr.ts';
import { IptablesRunner } from '../../iptables/index.ts';
import { warmThreadPool } from '../../netns/index.ts';
import { closeSocket, openTcpListener, openUdpSocket } from '../../sockets.ts';
import { connectTcp } from '../../testing/connect.ts';
import { testNetworks } from '../../testing/netns.ts';
import { ConntrackClient } from './index.ts';

it('`ConntrackClient` lists connections by filter and forgets exactly those', async () => {
  await warmThreadPool();
  using networks = testNetworks();
  const netns = networks.create('host');
  using client = ConntrackClient.open(netns);
  assert.deepEqual(client.list(), []);
  for (const family of [4, 6] as const) {
    // Connections are tracked only in a namespace where some rule asks for it.
    await new IptablesRunner({ family, netns }).restore(
      '*nat\n-A OUTPUT -p udp --dport 5300 -j REDIRECT --to-ports 5301\nCOMMIT\n',
    );
  }
  for (const address of ['127.0.0.1', '::1']) {
    const socket = openUdpSocket({ netns, address, port: 0 });
    for (const port of [5300, 5400, 5500]) {
      const to = encodeSockaddr({ address, port });
      check(libc().sendto(socket.fd, Buffer.from('x'), 1, 0, to, to.length), 'send');
    }
    closeSocket(socket);
  }
  assert.equal(client.list({ family: 4 }).length, 3);
  assert.equal(client.list({ family: 6, protocol: 'udp' }).length, 3);
  const [redirected] = client.list({ family: 4, original: { destinationPort: 5300 } });
  assert.equal(redirected?.original.destination, '127.0.0.1');
  assert.equal(redirected?.reply.sourcePort, 5301);
  assert.equal(redirected?.protocol, 17);
  assert.notEqual((redirected?.status ?? 0) & 0x20, 0, 'destination translated');
  assert.ok((redirected?.timeout ?? 0) > 0);

  assert.equal(
    client.delete({ protocol: 'udp', original: { destination: '127.0.0.1', destinationPort: 5300 } }),
    1,
  );
  assert.equal(client.delete({ protocol: 'udp', reply: { source: '::1', sourcePort: 5400 } }), 1);
  assert.equal(client.delete({ protocol: 'tcp' }), 0);
  assert.deepEqual(
    client
      .list()
      .map(({ family, original }) => [family, original.destinationPort])
      .sort(),
    [
      [4, 5400],
      [4, 5500],
      [6, 5300],
      [6, 5500],
    ],
  );

  const listener = openTcpListener({ netns, address: '127.0.0.1', port: 0 });
  const connection = connectTcp({ netns, address: '127.0.0.1', port: listener.port });
  assert.equal(client.list({ protocol: 'tcp', original: { destinationPort: listener.port } }).length, 1);
  libc().close(connection);
  closeSocket(listener);
  assert.equal(client.delete({}), 5);
  assert.deepEqual(client.list(), []);
});
