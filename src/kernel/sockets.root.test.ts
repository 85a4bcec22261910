import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { isKind } from '../base/errors.ts';
import { isErrno } from './ffi/errno.ts';
import { check, libc } from './ffi/libc.ts';
import { encodeSockaddr } from './ffi/sockaddr.ts';
import { type NetnsHandle, warmThreadPool, withNetns } from './netns/index.ts';
import { closeSocket, openSctpListener, openTcpListener, openUdpSocket, socketAddress } from './sockets.ts';
import { connectTcp } from './testing/connect.ts';
import { type TestNetworks, testNetworks } from './testing/netns.ts';

describe('sockets', () => {
  let networks: TestNetworks;
  let netns: NetnsHandle;
  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
    netns = networks.create('host');
  });
  after(() => networks?.[Symbol.dispose]());

  it('`openTcpListener()` gives a port that is free, and holds it', () => {
    const first = openTcpListener({ netns, address: '0.0.0.0', port: 0 });
    assert.ok(first.port > 0);
    assert.deepEqual(socketAddress(first.fd), { address: '0.0.0.0', port: first.port });
    assert.throws(
      () => openTcpListener({ netns, address: '127.0.0.1', port: first.port }),
      (error) =>
        isKind(error, 'conflict') &&
        isErrno(error, 'EADDRINUSE') &&
        error.message.includes(`tcp 127.0.0.1:${first.port}: address already in use`),
    );
    const six = openTcpListener({ netns, address: '::', port: first.port });
    closeSocket(six);
    assert.throws(
      () => openTcpListener({ netns, address: '::', port: first.port, ipv6Only: false }),
      (error) => isErrno(error, 'EADDRINUSE'),
    );
    closeSocket(first);
    closeSocket(openTcpListener({ netns, address: '127.0.0.1', port: first.port }));
  });

  it('a port whose connections are in TIME_WAIT is bound again at once', async () => {
    const listener = openTcpListener({ netns, address: '127.0.0.1', port: 0 });
    // The server closes first, so TIME_WAIT is on its side.
    const server = createServer((socket) => socket.end('bye'));
    server.listen({ fd: listener.fd });
    const client = new Socket({ fd: connectTcp({ netns, address: '127.0.0.1', port: listener.port }) });
    assert.equal(await text(client), 'bye');
    await new Promise((resolve) => server.close(resolve));
    closeSocket(openTcpListener({ netns, address: '127.0.0.1', port: listener.port }));
  });

  it('an address that is not local is refused, unless bound freely', () => {
    const options = { netns, address: '203.0.113.7', port: 80 };
    assert.throws(
      () => openTcpListener(options),
      (error) =>
        isErrno(error, 'EADDRNOTAVAIL') && (error as Error).message.includes('bind tcp 203.0.113.7:80'),
    );
    closeSocket(openTcpListener({ ...options, freeBind: true }));
    closeSocket(openTcpListener({ ...options, address: '2001:db8::7', freeBind: true }));
    assert.throws(
      () => openTcpListener({ ...options, address: 'localhost' }),
      /invalid IP address: "localhost"/,
    );
    assert.throws(() => openTcpListener({ ...options, port: 70000 }), /70000 is not a port/);
  });

  it('`openUdpSocket()` receives through Node, and does not share its port by accident', async () => {
    const bound = openUdpSocket({ netns, address: '::1', port: 0 });
    assert.throws(
      () => openUdpSocket({ netns, address: '::1', port: bound.port }),
      (error) => isKind(error, 'conflict'),
    );
    const socket = createSocket('udp6');
    socket.bind({ fd: bound.fd }); // synchronous for a descriptor
    const received = once(socket, 'message');
    const sender = openUdpSocket({ netns, address: '::1', port: 0 });
    const to = encodeSockaddr({ address: '::1', port: bound.port });
    check(libc().sendto(sender.fd, Buffer.from('ping'), 4, 0, to, to.length), 'send');
    const [message, from] = await received;
    assert.equal(String(message), 'ping');
    assert.equal(from.port, sender.port);
    closeSocket(sender);
    socket.close();
  });

  it('`reusePort` lets several sockets share a port on purpose', () => {
    const options = { netns, address: '127.0.0.1', port: 0, reusePort: true };
    const first = openUdpSocket(options);
    const second = openUdpSocket({ ...options, port: first.port });
    assert.equal(second.port, first.port);
    closeSocket(first);
    closeSocket(second);
  });

  it('SCTP is opened, or said to be missing', () => {
    try {
      closeSocket(openSctpListener({ netns, address: '127.0.0.1', port: 0 }));
    } catch (error) {
      assert.ok(isErrno(error, 'EPROTONOSUPPORT'), String(error));
    }
  });

  it('no descriptor is left open after an error', () => {
    const open = () => withNetns(netns, () => libc().dup(0));
    const before = open();
    libc().close(before);
    for (let turn = 0; turn < 5; turn++) {
      assert.throws(() => openTcpListener({ netns, address: '203.0.113.7', port: 80 }));
    }
    const after = open();
    libc().close(after);
    assert.equal(after, before);
  });
});
