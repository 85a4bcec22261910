import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  HOST,
  HOST6,
  ip,
  type Lab,
  makeLab,
  openUdp,
  SERVER,
  SERVER6,
  type TestKeeper,
  type TestUdp,
  udp,
} from './testing/lab.ts';

const SECOND_HOST = '10.1.0.9';

describe('UDP through the port keeper', { timeout: 60_000 }, () => {
  let lab: Lab;
  let keeper: TestKeeper;
  const sockets: TestUdp[] = [];
  const keep = async (socket: Promise<TestUdp>) => {
    sockets.push(await socket);
    return sockets.at(-1)!;
  };
  const client = (address = '0.0.0.0') => keep(openUdp(lab.client, address));
  /** Answers every datagram with what it said. */
  const echo = async (address = SERVER, port = 53) => {
    const server = await keep(openUdp(lab.server, address, port));
    server.socket.on('message', (bytes, { address: to, port: toPort }) => {
      server.send(`you said ${bytes.toString('latin1')}`, to, toPort);
    });
    return server;
  };

  before(async () => {
    lab = await makeLab();
    ip(lab.host, 'addr', 'add', `${SECOND_HOST}/24`, 'dev', 'up0');
    keeper = await lab.startKeeper(['--udp-timeout', '2']);
  });
  after(() => lab[Symbol.asyncDispose]());
  afterEach(async () => {
    await keeper.must({ op: 'set', mappings: [] });
    for (const socket of sockets.splice(0)) socket.close();
  });

  it('answers come from the address and port the client spoke to', async () => {
    await echo();
    await keeper.must({ op: 'add', mappings: [udp({ hostPort: 5353 })] });
    const socket = await client();
    for (const address of [HOST, SECOND_HOST]) {
      socket.send('hello', address, 5353);
      assert.deepEqual(await socket.next(), { text: 'you said hello', from: address, port: 5353 });
    }
  });

  for (const [title, targetIp] of [
    ['an IPv4', SERVER],
    ['an IPv6', SERVER6],
  ] as const) {
    it(`leads from an IPv6 port to ${title} target`, async () => {
      await echo(targetIp);
      await keeper.must({ op: 'add', mappings: [udp({ hostIp: '::', hostPort: 5353, targetIp })] });
      const socket = await client('::');
      socket.send('hello', HOST6, 5353);
      assert.deepEqual(await socket.next(), { text: 'you said hello', from: HOST6, port: 5353 });
    });
  }

  it('gives each client a flow of its own, and keeps it', async () => {
    const server = await echo();
    await keeper.must({ op: 'add', mappings: [udp({ hostPort: 5353 })] });
    const clients = await Promise.all([client(), client()]);
    const ports = new Set<number>();
    for (let round = 0; round < 3; round++) {
      for (const [index, socket] of clients.entries()) {
        socket.send(`${index}`, HOST, 5353);
        assert.equal((await socket.next()).text, `you said ${index}`);
        ports.add((await server.next()).port);
      }
    }
    assert.equal(ports.size, 2);
    assert.equal((await keeper.must({ op: 'stats' })).udp.active, 2);
  });

  it('passes on large and empty datagrams', async () => {
    await echo();
    await keeper.must({ op: 'add', mappings: [udp({ hostPort: 5353 })] });
    const socket = await client();
    for (const text of ['', 'x'.repeat(65_000)]) {
      socket.send(text, HOST, 5353);
      assert.equal((await socket.next()).text, `you said ${text}`);
    }
  });

  it('passes on a burst in order, without loss', async () => {
    await echo();
    await keeper.must({ op: 'add', mappings: [udp({ hostPort: 5353 })] });
    const socket = await client();
    for (let index = 0; index < 100; index++) socket.send(`${index}`, HOST, 5353);
    for (let index = 0; index < 100; index++) assert.equal((await socket.next()).text, `you said ${index}`);
  });

  it('a target that is not there yet is reached once it is', async () => {
    await keeper.must({ op: 'add', mappings: [udp({ hostPort: 5353 })] });
    const socket = await client();
    socket.send('anybody?', HOST, 5353);
    await sleep(50);
    await echo();
    socket.send('hello', HOST, 5353);
    assert.equal((await socket.next()).text, 'you said hello');
  });

  it('flows end when nothing is sent for a while, and not before', async () => {
    const server = await echo();
    await keeper.must({ op: 'add', mappings: [udp({ hostPort: 5353 })] });
    const socket = await client();
    const say = async () => {
      socket.send('hello', HOST, 5353);
      await socket.next();
      return (await server.next()).port;
    };
    const port = await say();
    await sleep(1000);
    assert.equal(await say(), port);
    // Idle for 2 s, and looked for every 5 s.
    await sleep(7500);
    assert.equal((await keeper.must({ op: 'stats' })).udp.active, 0);
    await say();
    assert.equal((await keeper.must({ op: 'stats' })).udp.active, 1);
  });

  it('a range leads each port to its own target port', async () => {
    await echo(SERVER, 3004);
    await keeper.must({
      op: 'add',
      mappings: [udp({ hostPort: 4000, hostPortEnd: 4009, targetPort: 3000 })],
    });
    const socket = await client();
    socket.send('hello', HOST, 4004);
    assert.deepEqual(await socket.next(), { text: 'you said hello', from: HOST, port: 4004 });
  });

  it('holds a port without serving it, and refuses one that is held', async () => {
    const server = await echo();
    await keeper.must({ op: 'add', mappings: [udp({ hostPort: 5353, mode: 'hold' })] });
    const socket = await client();
    socket.send('hello', HOST, 5353);
    await sleep(100);
    assert.equal(server.pending() + socket.pending(), 0);
    await assert.rejects(openUdp(lab.host, '0.0.0.0', 5353), { errno: 'EADDRINUSE' });
    const other = await keep(openUdp(lab.host, '0.0.0.0', 5454));
    const reply = await keeper.request({ op: 'add', mappings: [udp({ hostPort: 5454 })] });
    assert.equal(
      !reply.ok && reply.error.message,
      'failed to bind host port 0.0.0.0:5454/udp: address already in use',
    );
    assert.ok(other);
  });

  it('there are never more flows than descriptors allow: the longest idle ends', async () => {
    await echo();
    const small = await lab.startKeeper(['--descriptors', '400']);
    await small.must({ op: 'add', mappings: [udp({ hostPort: 5353 })] });
    const clients = await Promise.all(Array.from({ length: 110 }, () => client()));
    for (const socket of clients) {
      socket.send('hello', HOST, 5353);
      assert.equal((await socket.next()).text, 'you said hello');
    }
    const { udp: counted } = await small.must({ op: 'stats' });
    assert.deepEqual([counted.active, counted.evicted], [100, 10]);
  });
});
