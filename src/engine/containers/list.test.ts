import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatNanos } from '../../base/time.ts';
import type { Filters, PortMap } from '../../base/wire/index.ts';
import type { SandboxInfo } from '../../network/controller/sandbox.ts';
import type { Container } from './container.ts';
import { type ListFacts, type ListOptions, selectContainers, statusText, summarize } from './list.ts';

interface Facts {
  id?: string;
  status?: string;
  exitCode?: number;
  created?: number;
  labels?: Record<string, string>;
  health?: string;
  mounts?: object[];
  exposed?: string[];
  startedAt?: number;
  finishedAt?: number;
  entrypoint?: string[] | null;
  cmd?: string[] | null;
}

const time = (milliseconds: number) => formatNanos(BigInt(milliseconds) * 1_000_000n);

function container(name: string, facts: Facts = {}): Container {
  const status = facts.status ?? 'running';
  return {
    id: facts.id ?? name,
    isRunning: status === 'running' || status === 'paused',
    record: {
      id: facts.id ?? name,
      name,
      createdAt: time(facts.created ?? 0),
      imageId: 'sha256:1',
      imageName: 'web',
      config: {
        Labels: facts.labels ?? {},
        ExposedPorts: Object.fromEntries((facts.exposed ?? []).map((port) => [port, {}])),
        Entrypoint: facts.entrypoint ?? null,
        Cmd: facts.cmd ?? ['true'],
      },
      hostConfig: { NetworkMode: 'bridge' },
      mounts: facts.mounts ?? [],
      links: [],
      state: {
        status,
        exitCode: facts.exitCode ?? 0,
        startedAt: time(facts.startedAt ?? 0),
        finishedAt: time(facts.finishedAt ?? 0),
        ...(facts.health === undefined ? {} : { health: { Status: facts.health } }),
      },
    },
  } as unknown as Container;
}

const web = container('web', {
  id: 'aa11',
  created: 1,
  labels: { tier: 'front' },
  exposed: ['80/tcp', '53/udp'],
  health: 'healthy',
});
const db = container('db', {
  id: 'bb22',
  created: 2,
  status: 'exited',
  exitCode: 3,
  labels: { tier: 'back' },
  mounts: [{ Name: 'data', Destination: '/var/db', Source: '/srv/data' }],
});
const idle = container('idle', { id: 'cc33', created: 3, status: 'created' });
const paused = container('paused', { id: 'dd44', created: 4, status: 'paused' });
const looping = container('web-loop', { id: 'ee55', created: 5, status: 'restarting', exitCode: 1 });
const all = [web, db, idle, paused, looping];

const FACTS: ListFacts = {
  find: (ref) => {
    const found = all.find(({ record }) => record.name === ref);
    if (found === undefined) throw new Error(`No such container: ${ref}`);
    return found;
  },
  ports: (one): PortMap =>
    one === web ? { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }], '53/udp': null } : {},
  networks: (one): Record<string, { NetworkID?: string }> =>
    one === web ? { bridge: { NetworkID: 'ffee' } } : {},
  isImage: (reference, one) => reference === 'web' && one === web,
};

function listed(filters: Filters = {}, more: Partial<ListOptions> = {}): string[] {
  const options = { all: false, limit: 0, filters, ...more };
  return selectContainers(all, options, FACTS).map(({ record }) => record.name);
}

test('what runs, also what is paused or will run again; the newest first', () => {
  assert.deepEqual(listed(), ['web-loop', 'paused', 'web']);
  assert.deepEqual(listed({}, { all: true }), ['web-loop', 'paused', 'idle', 'db', 'web']);
});

test('the limit speaks of the newest of all', () => {
  assert.deepEqual(listed({}, { limit: 3 }), ['web-loop', 'paused', 'idle']);
  assert.deepEqual(listed({ name: ['db'] }, { limit: 3 }), ['db']);
});

test('filters of state bring what does not run', () => {
  assert.deepEqual(listed({ status: ['exited', 'created'] }), ['idle', 'db']);
  assert.deepEqual(listed({ status: ['running'] }), ['web']);
  assert.deepEqual(listed({ exited: ['3'] }), ['db']);
  assert.deepEqual(listed({ exited: ['0'] }), []);
});

test('older and newer than another speaks of those that run, unless all are asked for', () => {
  assert.deepEqual(listed({ before: ['idle'] }), ['web']);
  assert.deepEqual(listed({ since: ['idle'] }), ['web-loop', 'paused']);
  assert.deepEqual(listed({ before: ['idle'] }, { all: true }), ['db', 'web']);
  assert.deepEqual(listed({ since: ['web'], before: ['paused'] }, { all: true }), ['idle', 'db']);
});

test('names are patterns, ids are prefixes, values are alternatives', () => {
  assert.deepEqual(listed({ name: ['web'] }), ['web-loop', 'web']);
  assert.deepEqual(listed({ name: ['^web$'] }), ['web']);
  assert.deepEqual(listed({ name: ['^/web$'] }), ['web']);
  assert.deepEqual(listed({ id: ['aa', 'dd4'] }), ['paused', 'web']);
  assert.deepEqual(listed({ id: ['a11'] }), []);
  assert.deepEqual(listed({ name: ['web'], id: ['ee'] }), ['web-loop']);
});

test('labels are all required', () => {
  assert.deepEqual(listed({ label: ['tier'] }, { all: true }), ['db', 'web']);
  assert.deepEqual(listed({ label: ['tier=back'] }, { all: true }), ['db']);
  assert.deepEqual(listed({ label: ['tier=back', 'tier=front'] }, { all: true }), []);
});

test('health, volumes, networks, ports and images', () => {
  assert.deepEqual(listed({ health: ['healthy'] }), ['web']);
  assert.deepEqual(listed({ health: ['none'] }), ['web-loop', 'paused']);
  for (const volume of ['data', '/var/db', '/srv/data']) {
    assert.deepEqual(listed({ volume: [volume] }, { all: true }), ['db'], volume);
  }
  assert.deepEqual(listed({ volume: ['dat'] }, { all: true }), []);
  for (const network of ['bridge', 'ffee', 'ff']) assert.deepEqual(listed({ network: [network] }), ['web']);
  for (const port of ['80', '80/tcp', '70-90', '53/udp', '50-60/udp']) {
    assert.deepEqual(listed({ expose: [port] }), ['web'], port);
  }
  for (const port of ['80/udp', '53', '81', 'http']) assert.deepEqual(listed({ expose: [port] }), [], port);
  assert.deepEqual(listed({ publish: ['8080'] }), ['web']);
  assert.deepEqual(listed({ publish: ['80-9000/udp'] }), []);
  assert.deepEqual(listed({ publish: ['80'] }), []);
  assert.deepEqual(listed({ ancestor: ['web'] }), ['web']);
});

test('filters that do not exist, and values that cannot be, are refused', () => {
  assert.throws(() => listed({ color: ['red'] }), { kind: 'invalid', message: "invalid filter 'color'" });
  assert.throws(() => listed({ status: ['dancing'] }), { kind: 'invalid' });
  assert.throws(() => listed({ exited: ['one'] }), { kind: 'invalid' });
  assert.throws(() => listed({ before: ['nobody'] }), /No such container: nobody/);
});

test('the words of `docker ps`', () => {
  const now = 10_000_000;
  const words = (facts: Facts) =>
    statusText(container('c', { startedAt: now - 65_000, finishedAt: now - 3_700_000, ...facts }), now);
  assert.equal(words({}), 'Up About a minute');
  assert.equal(words({ health: 'none' }), 'Up About a minute');
  assert.equal(words({ health: 'starting' }), 'Up About a minute (health: starting)');
  assert.equal(words({ health: 'unhealthy' }), 'Up About a minute (unhealthy)');
  assert.equal(words({ status: 'paused' }), 'Up About a minute (Paused)');
  assert.equal(words({ status: 'exited', exitCode: 137 }), 'Exited (137) About an hour ago');
  assert.equal(words({ status: 'restarting', exitCode: 1 }), 'Restarting (1) About an hour ago');
  assert.equal(words({ status: 'created' }), 'Created');
  assert.equal(words({ status: 'removing' }), 'Removal In Progress');
  assert.equal(words({ status: 'dead' }), 'Dead');
});

test('`summarize()` shows names, command, ports', () => {
  const one = container('web', { entrypoint: ['/my entry', '-c'], cmd: ['echo "a b"', "it's"] });
  const summary = summarize(one, {
    linkNames: ['/app/db'],
    plannedNetworks: {},
    size: { rw: 1, rootFs: 2 },
    sandbox: { id: 's', path: '/x', networks: {}, ports: { '80/tcp': null } } as unknown as SandboxInfo,
  });
  assert.deepEqual(summary.Names, ['/web', '/app/db']);
  assert.equal(summary.Command, `/my entry -c 'echo "a b"' it's`);
  assert.deepEqual(summary.Ports, { '80/tcp': null });
  assert.deepEqual([summary.SizeRw, summary.SizeRootFs], [1, 2]);
});
