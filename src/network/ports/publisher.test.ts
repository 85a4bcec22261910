import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxyBinding, ProxyMapping } from '../../base/proxy-control.ts';
import type { PortMapping } from '../model/index.ts';
import { HostPortError } from './proxy-client.ts';
import { type PortKeeper, PortPublisher, type PublisherOptions, type PublishTarget } from './publisher.ts';
import type { PublishRequest } from './request.ts';

/** Binds every port once, all of a call or none, as the keeper does. */
class Keeper implements PortKeeper {
  readonly held = new Map<string, ProxyMapping>();
  /** `tcp 8080` of other programs. */
  readonly foreign = new Set<string>();
  calls = 0;

  async add(mappings: ProxyMapping[], instead: string[] = []): Promise<ProxyBinding[]> {
    this.calls++;
    const leaving = new Set(instead);
    const staying = [...this.held.values()].filter(({ id }) => !leaving.has(id));
    const taken = new Set(staying.flatMap((one) => this.#ports(one)));
    const refused = mappings
      .flatMap((mapping) => this.#ports(mapping))
      .flatMap((port) => {
        const [proto = '', hostIp = '', number = ''] = port.split(' ');
        const isFree = !taken.has(port) && !this.foreign.has(`${proto} ${number}`);
        taken.add(port);
        return isFree ? [] : { proto: proto as 'tcp', hostIp, hostPort: Number(number) };
      });
    const [first] = refused;
    if (first !== undefined) {
      const message = `failed to bind ${first.proto} ${first.hostIp} ${first.hostPort}: address already in use`;
      throw new HostPortError({ kind: 'conflict', message, errno: 'EADDRINUSE', taken: refused }, first);
    }
    for (const id of leaving) this.held.delete(id);
    for (const mapping of mappings) this.held.set(mapping.id, mapping);
    return mappings.map(({ id, hostPort, hostPortEnd }) => ({
      id,
      hostPort,
      hostPortEnd: hostPortEnd ?? hostPort,
    }));
  }

  async remove(ids: string[]): Promise<void> {
    for (const id of ids) this.held.delete(id);
  }

  #ports({ proto, hostIp, hostPort, hostPortEnd = hostPort }: ProxyMapping): string[] {
    return Array.from(
      { length: hostPortEnd - hostPort + 1 },
      (_, index) => `${proto} ${hostIp} ${hostPort + index}`,
    );
  }
}

const TARGET: PublishTarget = { v4: { endpointId: 'e1', address: '172.17.0.2' }, v6: undefined };

function stage(more: Partial<PublisherOptions> = {}): { keeper: Keeper; publisher: PortPublisher } {
  const keeper = new Keeper();
  const publisher = new PortPublisher(keeper, {
    userlandProxy: true,
    kernelServes: true,
    hostHasIPv6: true,
    ephemeralRange: () => ({ start: 32_768, end: 32_771 }),
    sctpMissing: 'no SCTP here',
    ...more,
  });
  return { keeper, publisher };
}

function request(hostPort: number, more: Partial<PublishRequest> = {}): PublishRequest {
  return {
    proto: 'tcp',
    containerPort: 80,
    containerPortEnd: more.containerPort ?? 80,
    hostIp: '',
    hostPort,
    hostPortEnd: hostPort,
    anyOf: false,
    proxyProtocol: false,
    ...more,
  };
}

const places = (mappings: Array<{ hostIp: string; hostPort: number }>) =>
  mappings.map(({ hostIp, hostPort }) => `${hostIp} ${hostPort}`);

test('a port without address is bound on both families where the host has both', async () => {
  const { keeper, publisher } = stage();
  const made = await publisher.publish(TARGET, [request(8080)]);
  assert.deepEqual(places(made), ['0.0.0.0 8080', ':: 8080']);
  assert.deepEqual([...keeper.held.keys()], ['e1/tcp/0.0.0.0:8080', 'e1/tcp/[::]:8080']);
  const four = stage({ hostHasIPv6: false });
  assert.deepEqual(places(await four.publisher.publish(TARGET, [request(8080)])), ['0.0.0.0 8080']);
});

test('the proxy forwards when it is on, when there is no firewall, and from one family to the other; else it holds', async () => {
  const modes = async (options: Partial<PublisherOptions>, target = TARGET) => {
    const { keeper, publisher } = stage(options);
    await publisher.publish(target, [request(8080)]);
    return [...keeper.held.values()].map(({ hostIp, mode }) => `${hostIp} ${mode}`);
  };
  assert.deepEqual(await modes({}), ['0.0.0.0 forward', ':: forward']);
  assert.deepEqual(await modes({ userlandProxy: false }), ['0.0.0.0 hold']);
  assert.deepEqual(await modes({ userlandProxy: false, kernelServes: false }), [
    '0.0.0.0 forward',
    ':: forward',
  ]);
  const both = { ...TARGET, v6: { endpointId: 'e1', address: 'fd00::2' } };
  assert.deepEqual(await modes({ userlandProxy: false }, both), ['0.0.0.0 hold', ':: hold']);
});

test('an address of a family that the container lacks is refused when nobody can cross over', async () => {
  const { publisher } = stage({ userlandProxy: false });
  await assert.rejects(publisher.publish(TARGET, [request(8080, { hostIp: '::1' })]), {
    kind: 'invalid',
    message: /publish \[::1\]:8080: the container has no IPv6 address and the userland proxy is off/,
  });
});

test('on a routed network nothing of the host is bound, and nobody crosses over to it', async () => {
  const { keeper, publisher } = stage();
  const v6 = { endpointId: 'e1', address: 'fd00::2', routed: true };
  const mixed = await publisher.publish({ ...TARGET, v6 }, [request(8080)]);
  assert.deepEqual(places(mixed), ['0.0.0.0 8080', ':: 0']);
  assert.deepEqual(
    [...keeper.held.values()].map(({ hostIp }) => hostIp),
    ['0.0.0.0'],
  );
  const routed: PublishTarget = { v4: { ...TARGET.v4!, routed: true }, v6: undefined };
  assert.deepEqual(places(await publisher.publish(routed, [request(8080), request(0)])), [
    '0.0.0.0 0',
    '0.0.0.0 0',
  ]);
  await assert.rejects(publisher.publish(routed, [request(80, { hostIp: '::' })]), /its network is routed$/);
  const [range] = await publisher.publish(routed, [
    request(8000, { containerPortEnd: 89, hostPortEnd: 8009 }),
  ]);
  assert.deepEqual([range?.containerPort, range?.containerPortEnd, range?.hostPortEnd], [80, 89, undefined]);
  await publisher.unpublish(mixed);
  assert.equal(keeper.held.size, 0);
});

test('a range is one mapping', async () => {
  const { keeper, publisher } = stage({ hostHasIPv6: false });
  const [made] = await publisher.publish(TARGET, [
    request(9000, { hostPortEnd: 9009, containerPort: 8000, containerPortEnd: 8009 }),
  ]);
  assert.deepEqual(
    [made?.hostPort, made?.hostPortEnd, made?.containerPort, made?.containerPortEnd],
    [9000, 9009, 8000, 8009],
  );
  assert.equal(keeper.held.size, 1);
});

test('a port that is taken fails the whole, and nothing stays bound', async () => {
  const { keeper, publisher } = stage();
  keeper.foreign.add('tcp 8081');
  await assert.rejects(publisher.publish(TARGET, [request(8080), request(8081)]), {
    kind: 'conflict',
    errno: 'EADDRINUSE',
    message: /0.0.0.0 8081/,
  });
  assert.equal(keeper.held.size, 0);
  keeper.foreign.clear();
  for (let port = 32_768; port <= 32_771; port++) keeper.foreign.add(`tcp ${port}`);
  await assert.rejects(publisher.publish(TARGET, [request(8080), request(0, { containerPort: 81 })]), {
    kind: 'conflict',
    message: 'publish 81/tcp: no free port between 32768 and 32771',
  });
  assert.equal(keeper.held.size, 0, 'what was bound before is given back');
});

test('a port that another container has is told in the words of Docker', async () => {
  const { publisher: first, keeper } = stage();
  const published = await first.publish(TARGET, [request(8080)]);
  const publisher = new PortPublisher(keeper, {
    userlandProxy: true,
    kernelServes: true,
    hostHasIPv6: false,
    ephemeralRange: () => ({ start: 1, end: 1 }),
    sctpMissing: null,
    published: () => published,
  });
  await assert.rejects(publisher.publish(TARGET, [request(8080)]), {
    kind: 'conflict',
    message: 'Bind for 0.0.0.0:8080 failed: port is already allocated',
  });
});

test('free ports go round, and one that is taken on either family is passed over', async () => {
  const { keeper, publisher } = stage();
  keeper.foreign.add('tcp 32769');
  const ports: number[] = [];
  for (let count = 0; count < 3; count++) {
    const made = await publisher.publish(TARGET, [request(0)]);
    assert.equal(made[0]?.hostPort, made[1]?.hostPort, 'the same port on both families');
    ports.push(made[0]?.hostPort ?? 0);
    if (count === 0) await publisher.unpublish(made);
  }
  // The first was given back, and is not handed out again at once.
  assert.deepEqual(ports, [32_768, 32_770, 32_771]);
  const again = await publisher.publish(TARGET, [request(0)]);
  assert.equal(again[0]?.hostPort, 32_768);
});

test('of a range of host ports the first free one is taken', async () => {
  const { keeper, publisher } = stage({ hostHasIPv6: false });
  keeper.foreign.add('tcp 8000');
  const range = request(8000, { hostPortEnd: 8002, anyOf: true });
  assert.deepEqual(places(await publisher.publish(TARGET, [range])), ['0.0.0.0 8001']);
  assert.deepEqual(
    places(await publisher.publish({ ...TARGET, v4: { endpointId: 'e2', address: '172.17.0.3' } }, [range])),
    ['0.0.0.0 8002'],
  );
  await assert.rejects(publisher.publish(TARGET, [range]), /no free port between 8000 and 8002/);
});

test('an error that is not about the port is not taken for a port that is taken', async () => {
  const { keeper, publisher } = stage();
  keeper.add = async () => {
    throw new Error('the keeper is gone');
  };
  await assert.rejects(publisher.publish(TARGET, [request(0)]), /the keeper is gone/);
});

test('SCTP is refused where the kernel lacks it, or no firewall serves it; else the keeper has no part in it', async () => {
  const sctp = request(8080, { proto: 'sctp' });
  await assert.rejects(stage().publisher.publish(TARGET, [sctp]), {
    kind: 'invalid',
    message: 'publish 80/sctp: no SCTP here',
  });
  await assert.rejects(stage({ sctpMissing: null, kernelServes: false }).publisher.publish(TARGET, [sctp]), {
    kind: 'not-implemented',
  });
  const { keeper, publisher } = stage({ sctpMissing: null });
  const made = await publisher.publish(TARGET, [sctp]);
  assert.deepEqual(places(made), ['0.0.0.0 8080']);
  assert.equal(keeper.calls, 0);
  // Which keeps no other program from the port, but another container.
  const local = { ...sctp, hostIp: '127.0.0.1' };
  const taken = { kind: 'conflict', message: 'Bind for 127.0.0.1:8080 failed: port is already allocated' };
  await assert.rejects(publisher.publish(TARGET, [request(8081), local]), taken);
  assert.equal(keeper.held.size, 0);
  const next = stage({ sctpMissing: null }).publisher;
  next.adopt(made);
  await assert.rejects(next.publish(TARGET, [local]), taken);
  await publisher.unpublish(made);
  assert.deepEqual(places(await publisher.publish(TARGET, [local])), ['127.0.0.1 8080']);
});

test('`unpublish()` gives all of it back, `keeperMappings()` says what a next daemon has to hold', async () => {
  const { keeper, publisher } = stage();
  const made = await publisher.publish(TARGET, [
    request(8080),
    request(0, { proto: 'udp', containerPort: 53 }),
  ]);
  assert.deepEqual(
    publisher.keeperMappings(made).map(({ id }) => id),
    [...keeper.held.keys()],
  );
  await publisher.unpublish(made);
  assert.equal(keeper.held.size, 0);
});

test('a port whose server expects a PROXY header is forwarded, whoever serves the others, also across families', async () => {
  for (const more of [{ userlandProxy: false }, { kernelServes: false }, {}]) {
    const { keeper, publisher } = stage(more);
    const [made] = await publisher.publish(TARGET, [request(8080, { proxyProtocol: true })]);
    assert.equal(made?.proxyProtocol, true);
    const held = [...keeper.held.values()].map(({ mode, proxyProtocol }) => [mode, proxyProtocol]);
    assert.deepEqual(held, [
      ['forward', true],
      ['forward', true],
    ]);
  }
  const { keeper, publisher } = stage({ userlandProxy: false });
  await publisher.publish(TARGET, [request(8080)]);
  assert.deepEqual(
    [...keeper.held.values()].map(({ mode, proxyProtocol }) => [mode, proxyProtocol]),
    [['hold', undefined]],
  );
});

test('a free port is found behind any number that are taken, and ours are not even tried', async () => {
  const published: PortMapping[] = [];
  const { keeper, publisher } = stage({
    published: () => published,
    ephemeralRange: () => ({ start: 30_000, end: 30_999 }),
  });
  const run = request(30_000, { containerPort: 1000, containerPortEnd: 1899, hostPortEnd: 30_899 });
  published.push(...(await publisher.publish(TARGET, [run])));
  for (let port = 30_900; port < 30_999; port++) keeper.foreign.add(`tcp ${port}`);
  const calls = keeper.calls;
  const made = await publisher.publish(TARGET, [request(0)]);
  assert.deepEqual(places(made), ['0.0.0.0 30999', ':: 30999']);
  assert.equal(keeper.calls, calls + 100);
  published.push(...made);
  await assert.rejects(publisher.publish(TARGET, [request(0)]), {
    kind: 'conflict',
    message: 'publish 80/tcp: no free port between 30000 and 30999',
  });
});

test('a thousand free ports are asked for at once, and once more for those that are taken; neighbours stay together', async () => {
  const { keeper, publisher } = stage({ ephemeralRange: () => ({ start: 30_000, end: 31_999 }) });
  for (const port of [30_100, 30_101, 30_500]) keeper.foreign.add(`tcp ${port}`);
  const made = await publisher.publish(TARGET, [
    request(0, { containerPort: 1000, containerPortEnd: 1999 }),
    request(0, { containerPort: 53, containerPortEnd: 53, proto: 'udp' }),
  ]);
  assert.equal(keeper.calls, 2);
  const runs = made.filter(({ hostIp }) => hostIp === '::');
  assert.deepEqual(
    runs.map((one) => [
      one.proto,
      one.containerPort,
      one.containerPortEnd ?? one.containerPort,
      one.hostPort,
    ]),
    [
      ['tcp', 1000, 1099, 30_000],
      ['tcp', 1100, 1101, 31_001],
      ['tcp', 1102, 1499, 30_102],
      ['tcp', 1500, 1500, 31_003],
      ['tcp', 1501, 1999, 30_501],
      ['udp', 53, 53, 31_000],
    ],
  );
});

test('addresses that ask for the same get the same port, whether any will do or one of several', async () => {
  const { keeper, publisher } = stage();
  keeper.foreign.add('tcp 8000').add('tcp 32768');
  const at = (hostIp: string, more: Partial<PublishRequest>) => request(0, { hostIp, ...more });
  const several = { hostPort: 8000, hostPortEnd: 8002, anyOf: true };
  const made = await publisher.publish(TARGET, [
    at('127.0.0.1', {}),
    at('10.0.0.1', {}),
    at('127.0.0.1', {}),
    at('127.0.0.1', several),
    at('::1', several),
  ]);
  assert.deepEqual(places(made), [
    '127.0.0.1 32770',
    '10.0.0.1 32770',
    '127.0.0.1 32769',
    '127.0.0.1 8001',
    '::1 8001',
  ]);
});

test('two ports of one container are never given the same port of the host, however few there are', async () => {
  const { publisher } = stage({ ephemeralRange: () => ({ start: 30_000, end: 30_001 }) });
  const both = [request(0), request(0, { containerPort: 81 })];
  const made = await publisher.publish(TARGET, both);
  assert.deepEqual(places(made), ['0.0.0.0 30000', ':: 30000', '0.0.0.0 30001', ':: 30001']);
  await publisher.unpublish(made);
  const one = stage({ ephemeralRange: () => ({ start: 30_000, end: 30_000 }) });
  await assert.rejects(one.publisher.publish(TARGET, both), { kind: 'conflict' });
  assert.equal(one.keeper.held.size, 0);
});

test('a port that the container itself has published is refused too, and stays as it is', async () => {
  const published: PortMapping[] = [];
  const { keeper, publisher } = stage({ published: () => published });
  published.push(...(await publisher.publish(TARGET, [request(8080)])));
  const calls = keeper.calls;
  await assert.rejects(publisher.publish(TARGET, [request(8080, { containerPort: 81 })]), {
    kind: 'conflict',
    message: 'Bind for 0.0.0.0:8080 failed: port is already allocated',
  });
  assert.equal(keeper.calls, calls, 'the keeper would take it for the same mapping, changed');
});

test('`replace()` keeps what stays bound, and gives the keeper the parts of a run that was cut in the same call', async () => {
  const { keeper, publisher } = stage({ hostHasIPv6: false });
  const run = request(8000, { containerPort: 80, containerPortEnd: 82, hostPortEnd: 8002 });
  const [whole] = await publisher.publish(TARGET, [run]);
  const [other] = await publisher.publish(TARGET, [request(9000)]);
  const { containerPortEnd: _c, hostPortEnd: _h, ...first } = whole!;
  const last = { ...first, containerPort: 82, hostPort: 8002 };
  const calls = keeper.calls;
  await publisher.replace([whole!, other!], [first, last, other!]);
  assert.equal(keeper.calls, calls + 1);
  assert.deepEqual(
    [...keeper.held.values()].map(({ hostPort, hostPortEnd }) => [hostPort, hostPortEnd]).sort(),
    [
      [8000, undefined],
      [8002, undefined],
      [9000, undefined],
    ],
  );
  await publisher.replace([first, last, other!], [other!]);
  assert.equal(keeper.held.size, 1);
});
