import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withNetns } from '../kernel/netns/index.ts';
import {
  connect,
  digestAll,
  HOST,
  HOST6,
  type Lab,
  listen,
  makeLab,
  outcome,
  readAll,
  readBytes,
  SERVER,
  SERVER6,
  type TestKeeper,
  tcp,
} from './testing/lab.ts';

/** Processor time a keeper has used, in ticks of 10 ms: fields 14 and 15 of proc(5)'s `stat`. */
function cpuTicks({ process: { pid } }: TestKeeper): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return Number(fields[13]) + Number(fields[14]);
}

describe('TCP through the port keeper', { timeout: 120_000 }, () => {
  let lab: Lab;
  let keeper: TestKeeper;
  const servers: Server[] = [];
  const serve = async (port: number, onConnection: (socket: Socket) => void, address = SERVER) => {
    servers.push(await listen(lab.server, address, port, onConnection));
  };

  before(async () => {
    lab = await makeLab();
    keeper = await lab.startKeeper();
  });
  after(() => lab[Symbol.asyncDispose]());
  afterEach(async () => {
    await keeper.must({ op: 'set', mappings: [] });
    for (const server of servers.splice(0)) server.close();
  });

  it('carries a request and its answer', async () => {
    await serve(80, (socket) => socket.on('data', (data) => socket.end(`you said ${data}`)));
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const socket = connect(lab.client, HOST, 8080);
    socket.write('hello');
    assert.equal(await readAll(socket), 'you said hello');
    socket.end();
  });

  it('carries what the server says first', async () => {
    await serve(80, (socket) => socket.end('220 ready'));
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    assert.equal(await readAll(connect(lab.client, HOST, 8080)), '220 ready');
  });

  for (const [title, targetIp] of [
    ['an IPv4', SERVER],
    ['an IPv6', SERVER6],
  ] as const) {
    it(`leads from an IPv6 port to ${title} target`, async () => {
      await serve(80, (socket) => socket.end('hello'), targetIp);
      await keeper.must({ op: 'add', mappings: [tcp({ hostIp: '::', hostPort: 8080, targetIp })] });
      assert.equal(await readAll(connect(lab.client, HOST6, 8080)), 'hello');
      assert.throws(() => connect(lab.client, HOST, 8080), { errno: 'ECONNREFUSED' });
    });
  }

  it('tells the target the client’s address by the PROXY protocol, to whom it is asked', async () => {
    await serve(80, (socket) => socket.pipe(socket));
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080, proxyProtocol: true })] });
    const socket = connect(lab.client, HOST, 8080);
    const { localPort } = socket;
    socket.end('hello');
    const received = await readBytes(socket);
    assert.equal(received.toString('latin1', 28), 'hello');
    assert.deepEqual([...received.subarray(16, 24)], [10, 1, 0, 2, 10, 1, 0, 1]);
    assert.deepEqual([received.readUInt16BE(24), received.readUInt16BE(26)], [localPort, 8080]);
  });

  it('passes on an end of stream from the client while the answer is still to come', async () => {
    await serve(80, async (socket) => {
      const question = await readAll(socket);
      await sleep(50);
      socket.end(`${question.length} bytes`);
    });
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const socket = connect(lab.client, HOST, 8080);
    socket.end('x'.repeat(300_000));
    assert.equal(await readAll(socket), '300000 bytes');
  });

  it('passes on an end of stream from the server while the client still sends', async () => {
    let received = Promise.resolve('');
    await serve(80, (socket) => {
      received = readAll(socket);
      socket.end('goodbye');
    });
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const socket = connect(lab.client, HOST, 8080);
    assert.equal(await readAll(socket), 'goodbye');
    await sleep(50);
    socket.end('one more thing');
    await once(socket, 'finish');
    assert.equal(await received, 'one more thing');
  });

  it('passes on a client’s end of stream that comes before anything else', async () => {
    await serve(80, async (socket) => socket.end(`got ${JSON.stringify(await readAll(socket))}`));
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const socket = connect(lab.client, HOST, 8080);
    socket.end();
    assert.equal(await readAll(socket), 'got ""');
  });

  it('passes on a reset from the client', async () => {
    const seen = new Promise<string>((resolve) => {
      void serve(80, (socket) => resolve(outcome(socket)));
    });
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const socket = connect(lab.client, HOST, 8080);
    socket.write('x');
    await sleep(50);
    socket.resetAndDestroy();
    assert.equal(await seen, 'ECONNRESET');
  });

  it('passes on a reset from the server', async () => {
    await serve(80, (socket) => socket.once('data', () => socket.resetAndDestroy()));
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const socket = connect(lab.client, HOST, 8080);
    socket.write('x');
    assert.equal(await outcome(socket), 'ECONNRESET');
  });

  it('resets the client when the target refuses', async () => {
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const before = (await keeper.must({ op: 'stats' })).tcp;
    const socket = connect(lab.client, HOST, 8080);
    assert.equal(await outcome(socket), 'ECONNRESET');
    const after = (await keeper.must({ op: 'stats' })).tcp;
    assert.equal(after.connectFailed - before.connectFailed, 1);
    assert.equal(after.active, 0);
  });

  it('resets connections when their mapping is removed, and only those', async () => {
    await serve(80, (socket) => socket.write('hello'));
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 }), tcp({ hostPort: 8081 })] });
    const [going, staying] = [connect(lab.client, HOST, 8080), connect(lab.client, HOST, 8081)];
    await Promise.all([once(going, 'data'), once(staying, 'data')]);
    let ended = false;
    staying.once('close', () => {
      ended = true;
    });
    const end = outcome(going);
    await keeper.must({ op: 'set', mappings: [tcp({ hostPort: 8081 })] });
    assert.equal(await end, 'ECONNRESET');
    assert.throws(() => connect(lab.client, HOST, 8080), { errno: 'ECONNREFUSED' });
    await sleep(50);
    assert.equal(ended, false);
    staying.destroy();
  });

  it('carries 64 MiB both ways at once, unharmed', async () => {
    const size = 64 << 20;
    const block = randomBytes(1 << 20);
    const send = async (socket: Socket) => {
      for (let sent = 0; sent < size; sent += block.length) {
        if (!socket.write(block)) await once(socket, 'drain');
      }
      socket.end();
    };
    const expected = createHash('sha256');
    for (let sent = 0; sent < size; sent += block.length) expected.update(block);
    const digest = expected.digest('hex');
    const atServer = new Promise<{ length: number; digest: string }>((resolve) => {
      void serve(80, (socket) => {
        void send(socket);
        resolve(digestAll(socket));
      });
    });
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const socket = connect(lab.client, HOST, 8080);
    const [atClient] = await Promise.all([digestAll(socket), send(socket)]);
    assert.deepEqual(atClient, { length: size, digest });
    assert.deepEqual(await atServer, { length: size, digest });
  });

  it('slows the sender down when the receiver does not read', async () => {
    const connected = Promise.withResolvers<Socket>();
    await serve(80, (socket) => connected.resolve(socket.pause()));
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const socket = connect(lab.client, HOST, 8080);
    const server = await connected.promise;
    const block = randomBytes(1 << 20);
    let written = 0;
    const flood = setInterval(() => {
      while (written < 256 << 20 && socket.writableLength === 0) {
        written += block.length;
        socket.write(block);
      }
    }, 5);
    await sleep(700);
    clearInterval(flood);
    assert.ok(written < 64 << 20, `${written} bytes were taken though nobody reads`);
    socket.end();
    const { length } = await digestAll(server);
    assert.equal(length, written);
    server.end();
    socket.destroy();
  });

  it('serves 500 connections at once', async () => {
    await serve(80, (socket) => socket.on('data', (data) => socket.write(data)));
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const sockets = Array.from({ length: 500 }, () => connect(lab.client, HOST, 8080));
    const answers = await Promise.all(
      sockets.map(async (socket, index) => {
        socket.write(`number ${index}`);
        const [data] = await once(socket, 'data');
        return String(data);
      }),
    );
    assert.deepEqual(
      answers,
      sockets.map((_, index) => `number ${index}`),
    );
    assert.equal((await keeper.must({ op: 'stats' })).tcp.active, 500);
    for (const socket of sockets) socket.destroy();
  });

  it('binds a port again whose old connections are in TIME_WAIT', async () => {
    await serve(80, (socket) => socket.end('bye'));
    const mapping = tcp({ hostPort: 8080 });
    for (let round = 0; round < 3; round++) {
      await keeper.must({ op: 'add', mappings: [mapping] });
      const socket = connect(lab.client, HOST, 8080);
      assert.equal(await readAll(socket), 'bye');
      socket.end();
      await once(socket, 'close');
      await sleep(20);
      await keeper.must({ op: 'remove', ids: [mapping.id] });
    }
  });

  it('local ports never run out when clients close first, nor does that take any from others', async () => {
    // Few ports instead of many connections.
    const range = '/proc/sys/net/ipv4/ip_local_port_range';
    const usual = withNetns(lab.host, () => readFileSync(range, 'utf8'));
    withNetns(lab.host, () => writeFileSync(range, '40000 40199'));
    try {
      await serve(90, (socket) => {
        socket.on('data', () => socket.write('hello'));
        socket.on('end', () => socket.end());
      });
      await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080, targetPort: 90 })] });
      for (let count = 0; count < 1000; count++) {
        const socket = connect(lab.client, HOST, 8080);
        socket.write('x');
        await once(socket, 'data');
        socket.end();
        await once(socket.resume(), 'close');
      }
      const { targets, tcp: counted } = await keeper.must({ op: 'stats' });
      const target = targets.find(({ target: name }) => name === `${SERVER}:90`)!;
      assert.equal(target.exhausted, 0);
      assert.equal(target.active, 0);
      assert.ok(target.reused >= 700, `only ${target.reused} ports were used again`);
      assert.ok(target.timeWait <= 200);
      assert.equal(counted.active, 0);
      // Another program's connections elsewhere find ports as ever: none of them is ours alone.
      await serve(81, (socket) => socket.write('hello'));
      const others = Array.from({ length: 100 }, () => connect(lab.host, SERVER, 81));
      for (const socket of others) socket.destroy();
    } finally {
      withNetns(lab.host, () => writeFileSync(range, usual));
    }
  });

  it('clients wait, rather than be refused, while there are no descriptors for them', async () => {
    await serve(80, (socket) => socket.pipe(socket));
    const small = await lab.startKeeper(['--descriptors', '200']);
    await small.must({ op: 'add', mappings: [tcp({ hostPort: 8081 })] });
    const sockets = Array.from({ length: 100 }, () => connect(lab.client, HOST, 8081));
    const answers = sockets.map(async (socket, index) => {
      socket.write(`number ${index}`);
      const [data] = await once(socket, 'data');
      await sleep(20);
      socket.destroy();
      return String(data);
    });
    await sleep(10);
    assert.ok((await small.must({ op: 'stats' })).tcp.active < 40);
    assert.deepEqual(
      await Promise.all(answers),
      sockets.map((_, index) => `number ${index}`),
    );
    const { tcp: counted } = await small.must({ op: 'stats' });
    assert.ok(counted.acceptPaused > 0);
    assert.equal(counted.connectFailed, 0);
  });

  it('rests while a half-closed connection waits for a target that does not read', async () => {
    const connected = Promise.withResolvers<Socket>();
    await serve(80, (socket) => connected.resolve(socket.pause()));
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const socket = connect(lab.client, HOST, 8080);
    const server = await connected.promise;
    server.end();
    await once(socket.resume(), 'end');
    const size = 32 << 20;
    socket.end(randomBytes(size));
    await sleep(300);
    const before = cpuTicks(keeper);
    await sleep(500);
    assert.ok(cpuTicks(keeper) - before <= 2, 'it is busy though nothing can move');
    assert.equal((await digestAll(server)).length, size);
  });

  it('carries hundreds of connections that end in every way, and is left with none', async () => {
    const ends: Record<string, number> = {};
    await serve(80, (socket) => {
      // The first byte says how the server is to end it.
      socket.once('data', (data) => {
        const how = String.fromCharCode(data[0]!);
        ends[how] = (ends[how] ?? 0) + 1;
        if (how === 'r') socket.resetAndDestroy();
        else if (how === 'e') socket.end(data);
        else if (how === 'd') socket.destroy();
        else socket.on('end', () => socket.end()).write(data);
        socket.resume();
      });
    });
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const closings: Array<(socket: Socket) => unknown> = [
      (socket) => socket.end(),
      (socket) => socket.destroy(),
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.once('data', () => socket.end()),
      (socket) => socket.once('end', () => socket.end()),
    ];
    for (let round = 0; round < 10; round++) {
      const sockets = Array.from({ length: 60 }, (_, index) => {
        const socket = connect(lab.client, HOST, 8080);
        socket.on('error', () => {});
        socket.write('redw'[index % 4]! + 'x'.repeat((index * 7919) % 200_000));
        closings[index % 5]!(socket.resume());
        return socket;
      });
      await sleep(20);
      for (const socket of sockets) socket.destroy();
    }
    const deadline = performance.now() + 10_000;
    const active = async () => (await keeper.must({ op: 'stats' })).tcp.active;
    while ((await active()) > 0 && performance.now() < deadline) await sleep(50);
    assert.equal(await active(), 0);
    assert.deepEqual(Object.keys(ends).sort(), ['d', 'e', 'r', 'w']);
  });

  it('holds a port without serving it', async () => {
    await serve(80, (socket) => socket.end('hello'));
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080, mode: 'hold' })] });
    assert.equal(await outcome(connect(lab.client, HOST, 8080)), 'ECONNRESET');
    await assert.rejects(
      listen(lab.host, '0.0.0.0', 8080, () => {}),
      { errno: 'EADDRINUSE' },
    );
  });
});
