import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { createServer, type Server, Socket } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProxyMapping } from '../../base/proxy-control.ts';
import { socketAddress } from '../../kernel/epoll/sockaddr.ts';
import { openSocket, SOCK_STREAM } from '../../kernel/epoll/socket.ts';
import { check, libc } from '../../kernel/ffi/libc.ts';
import { type NetnsHandle, warmThreadPool, withNetns } from '../../kernel/netns/index.ts';
import { type TestNetworks, testNetworks } from '../../kernel/testing/netns.ts';
import { ProxyClient } from './proxy-client.ts';
import { ProxyProcess } from './proxy-process.ts';

/** A port on 127.0.0.1 that leads to port 80 there. */
const mapping = (hostPort: number, hostPortEnd = hostPort): ProxyMapping => ({
  id: `${hostPort}`,
  proto: 'tcp',
  hostIp: '127.0.0.1',
  hostPort,
  hostPortEnd,
  targetIp: '127.0.0.1',
  targetPort: 80,
  mode: 'forward',
});

describe('ProxyProcess', { timeout: 60_000 }, () => {
  let networks: TestNetworks;
  let host: NetnsHandle;
  let target: Server;
  let controlPath: string;
  let number = 0;
  const keepers: ProxyProcess[] = [];

  const supervisor = () => {
    const keeper = new ProxyProcess({
      controlPath,
      node: ['nsenter', `--net=${host.path}`, process.execPath],
      log: { info() {}, warn() {} },
    });
    keepers.push(keeper);
    return keeper;
  };
  const inside = (port: number, act: (fd: number, address: Buffer) => number) =>
    withNetns(host, () => {
      const { family, bytes } = socketAddress('127.0.0.1', port);
      const fd = openSocket(family, SOCK_STREAM);
      act(fd, bytes);
      return fd;
    });
  const connect = (port: number) =>
    new Socket({
      fd: inside(port, (fd, address) => libc().connect(fd, address, 16)),
      readable: true,
      writable: true,
    });
  /** Whether somebody listens on the port: binding it fails then. */
  const isHeld = (port: number) => {
    let result = 0;
    const fd = inside(port, (socket, address) => {
      result = libc().bind(socket, address, 16);
      return result;
    });
    libc().close(fd);
    return result < 0;
  };
  /** Whether somebody listens on the port; unlike `isHeld()` it never stands in the way of one who wants to. */
  const answers = (port: number) =>
    withNetns(host, () => {
      const { family, bytes } = socketAddress('127.0.0.1', port);
      const fd = check(libc().socket(family, SOCK_STREAM, 0), 'open a socket');
      const connected = libc().connect(fd, bytes, bytes.length) === 0;
      libc().close(fd);
      return connected;
    });
  const answer = async (port: number) => {
    const socket = connect(port);
    const [data] = await once(socket, 'data');
    socket.destroy();
    return String(data);
  };

  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
    host = networks.create('host');
    target = createServer((socket) => {
      socket.on('error', () => {});
      socket.write('hello');
    });
    target.listen({
      fd: inside(80, (fd, address) => {
        check(libc().bind(fd, address, 16), 'bind');
        return check(libc().listen(fd, 100), 'listen');
      }),
    });
  });
  after(() => {
    target.close();
    networks[Symbol.dispose]();
  });
  afterEach(async () => {
    for (const keeper of keepers.splice(0)) await keeper.stop();
    controlPath = '';
  });
  const path = () => {
    controlPath = join(networks.directory, `p${number++}.sock`);
    return controlPath;
  };

  it('`start()` starts a keeper that only root may talk to; `stop()` ends it and frees the ports', async () => {
    path();
    const keeper = supervisor();
    await keeper.start();
    assert.equal(statSync(controlPath).mode & 0o777, 0o600);
    await keeper.add([mapping(8080)]);
    assert.equal(await answer(8080), 'hello');
    const pid = keeper.pid!;
    await keeper.stop();
    assert.equal(isHeld(8080), false);
    assert.equal(existsSync(controlPath), false);
    await sleep(100);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  it('`add()` throws the port that is taken', async () => {
    path();
    const keeper = supervisor();
    await keeper.start();
    await keeper.add([mapping(8080)]);
    await assert.rejects(keeper.add([mapping(9000), { ...mapping(8080), id: 'other' }]), {
      name: 'HostPortError',
      kind: 'conflict',
      errno: 'EADDRINUSE',
      message: 'failed to bind host port 127.0.0.1:8080/tcp: address already in use',
      port: { proto: 'tcp', hostIp: '127.0.0.1', hostPort: 8080 },
    });
    assert.equal(isHeld(9000), false);
  });

  it('binds the ports again when the keeper is killed', async () => {
    path();
    const keeper = supervisor();
    await keeper.start();
    await keeper.add([mapping(8080), mapping(9000, 9099)]);
    const [chosen] = await keeper.add([{ ...mapping(0), id: 'any' }]);
    const killed = performance.now();
    process.kill(keeper.pid!, 'SIGKILL');
    while (answers(9099)) await sleep(1);
    while (!answers(9099)) await sleep(1);
    const took = performance.now() - killed;
    assert.ok(took < 2000, `bound again after ${took} ms`);
    assert.equal(await answer(8080), 'hello');
    await keeper.list();
    assert.equal(await answer(chosen!.hostPort), 'hello');
  });

  it('a request in the moment of the keeper’s death is carried out by the next one', async () => {
    path();
    const keeper = supervisor();
    await keeper.start();
    await keeper.add([mapping(8080)]);
    process.kill(keeper.pid!, 'SIGKILL');
    await keeper.add([mapping(8081)]);
    assert.equal(await answer(8081), 'hello');
    assert.equal(await answer(8080), 'hello');
  });

  it('a port lost to somebody else while no keeper ran does not keep the others closed, and is taken back', async () => {
    path();
    const keeper = supervisor();
    await keeper.start();
    await keeper.add([mapping(8080), mapping(8081)]);
    process.kill(keeper.pid!, 'SIGSTOP');
    process.kill(keeper.pid!, 'SIGKILL');
    let thief = -1;
    while (thief < 0) {
      const fd = inside(8081, (socket, address) => {
        if (libc().bind(socket, address, 16) === 0) thief = socket;
        return 0;
      });
      if (thief < 0) libc().close(fd);
    }
    await keeper.list();
    assert.equal(await answer(8080), 'hello');
    libc().close(thief);
    await sleep(1300);
    assert.equal(await answer(8081), 'hello');
  });

  it('the keeper outlives a daemon that is killed, with its connections, and the next one adopts it', async () => {
    path();
    const source = `
      import { ProxyProcess } from ${JSON.stringify(new URL('./proxy-process.ts', import.meta.url).href)};
      const keeper = new ProxyProcess(${JSON.stringify({
        controlPath,
        node: ['nsenter', `--net=${host.path}`, process.execPath],
        log: {},
      })});
      await keeper.start();
      await keeper.set([${JSON.stringify(mapping(8080))}]);
      console.log(keeper.pid);
      setInterval(() => {}, 1000);
    `;
    const daemon = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(daemon.stdout, 'data');
    const connection = connect(8080);
    connection.on('error', () => {});
    await once(connection, 'data');
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
    assert.equal(await answer(8080), 'hello');

    const next = supervisor();
    await next.start();
    assert.equal(next.pid, Number(line));
    await next.set([mapping(8080)]);
    assert.ok((await next.stats())!.tcp.active >= 1);
    assert.equal(connection.readyState, 'open');
    connection.destroy();
  });

  it('`detach()` leaves the keeper running', async () => {
    path();
    const keeper = supervisor();
    await keeper.start();
    await keeper.add([mapping(8080)]);
    await keeper.detach();
    await sleep(50);
    assert.equal(await answer(8080), 'hello');
    const client = await ProxyClient.connect(controlPath);
    await client.request({ op: 'shutdown' });
  });

  it('`stop()` ends even a keeper that does not answer', async () => {
    path();
    const keeper = supervisor();
    await keeper.start();
    await keeper.add([mapping(8080)]);
    process.kill(keeper.pid!, 'SIGSTOP');
    await keeper.stop();
    while (isHeld(8080)) await sleep(5);
  });

  it('`start()` says why a keeper cannot be started', async () => {
    const keeper = new ProxyProcess({
      controlPath: path(),
      node: ['/bin/false'],
      log: { info() {}, warn() {} },
    });
    await assert.rejects(keeper.start(), /start the port keeper: it ended with status 1/);
  });
});
