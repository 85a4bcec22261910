import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import {
  connect,
  HOST,
  type Lab,
  listen,
  makeLab,
  outcome,
  readAll,
  SERVER,
  type TestKeeper,
  tcp,
} from './testing/lab.ts';

describe('the port table of the port keeper', { timeout: 60_000 }, () => {
  let lab: Lab;
  let keeper: TestKeeper;
  const servers: Server[] = [];
  const keep = async (server: Promise<Server>) => {
    servers.push(await server);
  };
  /** Sockets alone: Node opens and closes files of its own whenever it likes. */
  const sockets = () =>
    readdirSync(`/proc/${keeper.process.pid}/fd`).filter((fd) => {
      try {
        return readlinkSync(`/proc/${keeper.process.pid}/fd/${fd}`).startsWith('socket:');
      } catch {
        return false; // closed since it was listed
      }
    }).length;

  before(async () => {
    lab = await makeLab();
    keeper = await lab.startKeeper();
  });
  after(() => lab[Symbol.asyncDispose]());
  afterEach(async () => {
    for (const server of servers.splice(0)) server.close();
    await keeper.must({ op: 'set', mappings: [] });
  });

  it('`add` undoes the whole batch when one port is taken, and names it', async () => {
    await keep(listen(lab.host, '0.0.0.0', 8090, () => {}));
    // It has accepted us by now.
    await keeper.must({ op: 'ping' });
    const idle = sockets();
    const reply = await keeper.request({
      op: 'add',
      mappings: [
        tcp({ hostPort: 7000 }),
        tcp({ hostPort: 8080, hostPortEnd: 8099 }),
        tcp({ hostPort: 9000 }),
      ],
    });
    assert.deepEqual(reply, {
      seq: reply.seq,
      ok: false,
      error: {
        kind: 'conflict',
        message: 'failed to bind host port 0.0.0.0:8090/tcp: address already in use',
        errno: 'EADDRINUSE',
        port: { proto: 'tcp', hostIp: '0.0.0.0', hostPort: 8090 },
      },
    });
    assert.equal(sockets(), idle);
    assert.deepEqual((await keeper.must({ op: 'list' })).mappings, []);
    assert.throws(() => connect(lab.client, HOST, 7000), { errno: 'ECONNREFUSED' });
  });

  it('`add` refuses a port of another mapping, with and without the kernel’s help', async () => {
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    for (const hostIp of ['0.0.0.0', HOST]) {
      const reply = await keeper.request({
        op: 'add',
        mappings: [tcp({ id: 'second', hostIp, hostPort: 8080 })],
      });
      assert.equal(reply.ok, false);
      assert.equal(
        !reply.ok && reply.error.message,
        `failed to bind host port ${hostIp}:8080/tcp: address already in use`,
      );
    }
  });

  it('`add` names an address that is not the host’s', async () => {
    const reply = await keeper.request({ op: 'add', mappings: [tcp({ hostIp: '10.9.9.9', hostPort: 80 })] });
    assert.equal(!reply.ok && reply.error.kind, 'internal');
    assert.equal(!reply.ok && reply.error.errno, 'EADDRNOTAVAIL');
    assert.equal(
      !reply.ok && reply.error.message,
      'failed to bind host port 10.9.9.9:80/tcp: cannot assign requested address',
    );
  });

  it('`add` binds IPv4 and IPv6 of one port side by side', async () => {
    await keeper.must({
      op: 'add',
      mappings: [tcp({ hostPort: 8080 }), tcp({ hostIp: '::', hostPort: 8080 })],
    });
    assert.equal((await keeper.must({ op: 'stats' })).ports, 2);
  });

  it('`add` of what stands already changes nothing; of the same id with another target it moves the port', async () => {
    const [first, second] = [SERVER, '10.2.0.3'].map((targetIp) => tcp({ hostPort: 8080, targetIp }));
    await keep(listen(lab.server, SERVER, 80, (socket) => socket.end('first')));
    await keeper.must({ op: 'add', mappings: [second!] });
    await keeper.must({ op: 'add', mappings: [second!] });
    await keeper.must({ op: 'add', mappings: [first!] });
    assert.equal(await readAll(connect(lab.client, HOST, 8080)), 'first');
    assert.deepEqual((await keeper.must({ op: 'list' })).mappings, [first]);
  });

  it('`set` lets one mapping take over the port that another gives up', async () => {
    await keep(listen(lab.server, SERVER, 81, (socket) => socket.end('taken over')));
    await keeper.must({ op: 'set', mappings: [tcp({ hostPort: 8080, hostPortEnd: 8083 })] });
    const idle = sockets();
    await keeper.must({ op: 'set', mappings: [tcp({ id: 'new', hostPort: 8082, targetPort: 81 })] });
    assert.equal(sockets(), idle - 3);
    assert.equal(await readAll(connect(lab.client, HOST, 8082)), 'taken over');
    assert.throws(() => connect(lab.client, HOST, 8081), { errno: 'ECONNREFUSED' });
  });

  it('a port of the kernel’s choice is told, and stays when it is asked for again', async () => {
    const mapping = tcp({ hostPort: 0 });
    const { bindings } = await keeper.must({ op: 'add', mappings: [mapping] });
    const [{ hostPort } = { hostPort: 0 }] = bindings;
    assert.ok(hostPort > 1024);
    assert.deepEqual((await keeper.must({ op: 'add', mappings: [mapping] })).bindings, bindings);
    assert.deepEqual(
      (await keeper.must({ op: 'set', mappings: [{ ...mapping, hostPort }] })).bindings,
      bindings,
    );
    assert.equal(
      await outcome(connect(lab.client, HOST, hostPort)),
      'ECONNRESET',
      'bound, and nobody at the target',
    );
  });

  it('a range leads each port to its own target port', async () => {
    await keep(listen(lab.server, SERVER, 1499, (socket) => socket.end('the last')));
    const started = performance.now();
    await keeper.must({
      op: 'add',
      mappings: [tcp({ hostPort: 20000, hostPortEnd: 20499, targetPort: 1000 })],
    });
    const took = performance.now() - started;
    assert.ok(took < 500, `500 ports took ${took} ms`);
    assert.equal(await readAll(connect(lab.client, HOST, 20499)), 'the last');
  });

  it('requests that are wrong are refused with the reason, and change nothing', async () => {
    await keeper.must({ op: 'add', mappings: [tcp({ hostPort: 8080 })] });
    const wrong: Array<[request: object, message: RegExp]> = [
      [{ op: 'dance' }, /unknown operation "dance"/],
      [{ op: 'add', mappings: 1 }, /mappings 1 is no list/],
      [{ op: 'add', mappings: [{ ...tcp({ hostPort: 70000 }) }] }, /hostPort 70000 is not valid/],
      [
        { op: 'add', mappings: [{ ...tcp({ hostPort: 80, hostIp: '1.2.3' }) }] },
        /hostIp "1\.2\.3" is not valid/,
      ],
      [{ op: 'add', mappings: [tcp({ hostPort: 90, hostPortEnd: 80 })] }, /hostPortEnd 80 is not valid/],
      [
        { op: 'add', mappings: [tcp({ hostPort: 80, hostPortEnd: 90, targetPort: 65530 })] },
        /targetPort 65530 is not/,
      ],
      [{ op: 'set', mappings: [tcp({ hostPort: 80 }), tcp({ hostPort: 80 })] }, /is given twice/],
      [{ op: 'remove' }, /ids undefined is no list/],
    ];
    for (const [request, message] of wrong) {
      const reply = await keeper.request(request as never);
      assert.ok(!reply.ok);
      assert.match(reply.error.message, message);
    }
    assert.equal((await keeper.must({ op: 'stats' })).ports, 1);
  });
});
