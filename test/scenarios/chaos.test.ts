/**
 * Several clients at once, and what they drive killed under them at any moment: the daemon, its containerd, its port keeper, a shim.
 * After each round the kernel must hold what the containers account for, and nothing else.
 *
 * A seed repeats the choices, not the timing. By hand, for as long as one likes:
 *
 *   CHAOS_ROUNDS=500 CHAOS_SEED=7 scripts/test scenarios chaos
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleOf, disagreements } from '../harness/agreement.ts';
import { soon } from '../harness/netns.ts';
import { Random } from '../harness/random.ts';
import { useStage } from '../harness/stage.ts';
import { cgroups } from '../harness/teardown.ts';

const ROUNDS = Number(process.env.CHAOS_ROUNDS ?? 5);
const SEED = Number(process.env.CHAOS_SEED ?? 1);
const VERBOSE = process.env.CHAOS_VERBOSE !== undefined;

const CLIENTS = 3;
const STEPS = 5;
const NAMES = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'];
const NETWORKS = ['n0', 'n1', 'n2'];
const PORTS = ['8001', '8002', '8003', '8004', '0'];
const VICTIMS = [
  ...['daemon', 'daemon', 'daemon', 'containerd', 'keeper', 'shim', 'process'],
  ...['daemon+containerd', 'daemon+keeper', 'daemon+shim', 'containerd+shim', 'daemon+process'],
];

/** What they have in their command line. */
const WORDS: Readonly<Record<string, string>> = {
  containerd: 'containerd --config',
  keeper: '/proxy/main',
  shim: 'containerd-shim-runc',
};

interface Said {
  method: string;
  path: string;
  status: number;
  text: string;
}

describe('A daemon, with everything it needs killed at random', () => {
  const stage = useStage({ images: ['busybox'] });
  const said: Said[] = [];

  const call = async (method: string, path: string, body?: unknown): Promise<Said> => {
    const answer = await stage.daemon
      .api(method, path, body)
      .catch((error) => ({ status: 0, text: String(error) }));
    const one = { method, path, status: answer.status, text: answer.text.trim() };
    said.push(one);
    return one;
  };

  const bindings = (random: Random) => ({
    [random.pick(['80/tcp', '53/udp', '81/tcp'])]: [{ HostIp: '', HostPort: random.pick(PORTS) }],
  });

  const create = (random: Random, name: string, mode: string) => {
    const own = mode !== 'host' && !mode.startsWith('container:');
    const cmd = random.pick([
      ['sleep', '1000'],
      ['sleep', '1000'],
      ['true'],
      ['sh', '-c', 'sleep 0.2; exit 3'],
    ]);
    return call('POST', `/containers/create?name=${name}`, {
      Image: 'busybox',
      Cmd: cmd,
      StopSignal: 'SIGKILL',
      HostConfig: {
        NetworkMode: mode,
        PortBindings: own && random.chance(0.6) ? bindings(random) : {},
        AutoRemove: random.chance(0.15),
        IpcMode: random.pick(['private', 'private', 'shareable']),
      },
    });
  };

  const run = async (random: Random, name: string) => {
    const modes = [
      'bridge',
      'bridge',
      'bridge',
      'host',
      'none',
      `container:${random.pick(NAMES)}`,
      ...NETWORKS,
    ];
    const { status } = await create(random, name, random.pick(modes));
    if (status === 201) await call('POST', `/containers/${name}/start`);
  };

  /** One thing that people do; what it needs and is not there is made. */
  const step = async (random: Random): Promise<void> => {
    const name = random.pick(NAMES);
    const network = random.pick(NETWORKS);
    const at = (what: string) => () => call('POST', `/containers/${name}/${what}`);
    const ports = `/bridgeport/containers/${name}/ports`;
    const exec = async () => {
      const Cmd = random.pick([['true'], ['sleep', '0.1'], ['sleep', '1000'], ['/no/such']]);
      const made = await call('POST', `/containers/${name}/exec`, { Cmd, AttachStdout: true });
      if (made.status !== 201) return made;
      const { Id } = JSON.parse(made.text) as { Id: string };
      return call('POST', `/exec/${Id}/start`, { Detach: true });
    };
    const { status, text } = await random.pick<() => Promise<Said>>([
      at('start'),
      at('start'),
      at('start'),
      at('stop?t=0'),
      at('kill'),
      at('restart?t=0'),
      at('restart?t=0'),
      () => call('DELETE', `/containers/${name}?force=1&v=1`),
      () => call('DELETE', `/containers/${name}?force=1&v=1`),
      () => call('DELETE', `/containers/${name}`),
      at('pause'),
      at('unpause'),
      () => call('POST', `/networks/${network}/connect`, { Container: name }),
      () => call('POST', `/networks/${network}/disconnect`, { Container: name, Force: random.chance(0.3) }),
      () => call('DELETE', `/networks/${network}`),
      () => call('POST', ports, { PortBindings: bindings(random) }),
      () => call('DELETE', ports, { PortBindings: { '80/tcp': [] } }),
      exec,
    ])();
    if (status !== 404) return;
    if (/^{"message":"network/.test(text)) await call('POST', '/networks/create', { Name: network });
    else await run(random, name);
  };

  const pidsOf = (victim: string): number[] => {
    const { daemon, host } = stage;
    if (victim === 'process') {
      return cgroups(host.cgroup).flatMap((path) => lines(join(path, 'cgroup.procs')).map(Number));
    }
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => {
        const line = pid > 1 ? lines(`/proc/${pid}/cmdline`).join('').replaceAll('\0', ' ') : '';
        return line.includes(daemon.root) && line.includes(WORDS[victim] as string);
      });
  };

  const kill = async (random: Random, victims: string): Promise<void> => {
    for (const victim of victims.split('+')) {
      if (victim === 'daemon') await stage.daemon.kill();
      else {
        const pids = pidsOf(victim);
        if (pids.length > 0) process.kill(random.pick(pids), 'SIGKILL');
      }
    }
  };

  const sleeper = async () => {
    const made = await call('POST', '/containers/create', { Image: 'busybox', Cmd: ['sleep', '1000'] });
    return (JSON.parse(made.text) as { Id: string }).Id;
  };

  for (const victims of ['containerd', 'daemon+keeper', 'daemon+containerd']) {
    it(`starts a container in whose making they were killed: ${victims}`, async () => {
      const { daemon } = stage;
      const Id = await sleeper();
      const starting = call('POST', `/containers/${Id}/start`);
      await soon(() => assert.ok(existsSync(bundleOf(daemon, Id))));
      await kill(new Random(1), victims);
      await starting;
      if (!daemon.running) await daemon.start();
      const again = await call('POST', `/containers/${Id}/restart?t=0`);
      assert.equal(again.status, 204, again.text);
      assert.deepEqual(await disagreements(daemon), []);
    });
  }

  it('finishes what a daemon that was killed had begun: a container that joins a network, and one that leaves it', async () => {
    const { daemon } = stage;
    await call('POST', '/networks/create', { Name: 'n0' });
    const Id = await sleeper();
    await call('POST', `/containers/${Id}/start`);
    for (const change of ['connect', 'disconnect']) {
      for (const moment of [1, 2, 4]) {
        const request = call('POST', `/networks/n0/${change}`, { Container: Id });
        await sleep(moment);
        await daemon.kill();
        await request;
        await daemon.start();
        assert.deepEqual(await disagreements(daemon), [], `${change}, killed after ${moment} ms`);
      }
    }
  });

  it('starts a container whose bundle an earlier run has left behind', async () => {
    const { daemon } = stage;
    const Id = await sleeper();
    mkdirSync(bundleOf(daemon, Id), { recursive: true });
    const start = await call('POST', `/containers/${Id}/start`);
    assert.equal(start.status, 204, start.text);
    assert.deepEqual(await disagreements(daemon), []);
  });

  it('leaves nothing stray, and every container can be started, stopped and removed', {
    timeout: 3_600_000,
  }, async (t) => {
    const { daemon } = stage;
    const random = new Random(SEED);
    for (let round = 0; round < ROUNDS; round++) {
      const begin = said.length;
      const logged = daemon.log().length;
      const victims = random.pick(VICTIMS);
      const moment = random.below(500);
      const told = `round ${round} of seed ${SEED}: ${victims} killed after ${moment} ms`;
      const clients = Array.from({ length: CLIENTS }, async () => {
        const own = random.fork();
        for (let count = 0; count < STEPS; count++) await step(own);
      });
      const choice = random.fork();
      await Promise.all([...clients, sleep(moment).then(() => kill(choice, victims))]);
      if (!daemon.running) await daemon.start();
      const explain = (error: unknown) => {
        const requests = said
          .slice(begin)
          .map(
            ({ method, path, status, text }) => `  ${method} ${path}: ${status} ${status < 300 ? '' : text}`,
          );
        return new Error(`${told}: ${error}\n${requests.join('\n')}\n${daemon.log().slice(logged)}`);
      };
      try {
        await soon(async () => assert.deepEqual(await disagreements(daemon), []), 12_000);
        assert.doesNotMatch(daemon.log().slice(logged), /somebody else|nobody waited for/);
        if (round % 4 === 3) await everyContainerWorks();
        await soon(async () => assert.deepEqual(await disagreements(daemon), []), 12_000);
      } catch (error) {
        throw explain(error);
      }
      if (VERBOSE) console.error(told);
    }
    t.diagnostic(`${ROUNDS} rounds, ${said.length} requests, seed ${SEED}`);
  });

  async function everyContainerWorks(): Promise<void> {
    type Listed = { Id: string; State: string; HostConfig: { NetworkMode: string } };
    const all = (await stage.daemon.api('GET', '/containers/json?all=1')).json<Listed[]>();
    for (const { Id, State } of all) {
      if (State === 'paused') assert.equal((await call('POST', `/containers/${Id}/unpause`)).status, 204);
      const start = await call('POST', `/containers/${Id}/start`);
      // What it needs may be gone, or another's.
      const excused =
        /already allocated|not found|No such container|non running container|marked for removal/;
      assert.ok(
        [204, 304].includes(start.status) || excused.test(start.text),
        `start: ${start.status} ${start.text}`,
      );
    }
    for (const { Id } of all) {
      const stop = await call('POST', `/containers/${Id}/stop?t=0`);
      assert.ok([204, 304, 404].includes(stop.status), `stop: ${stop.status} ${stop.text}`);
      const remove = await call('DELETE', `/containers/${Id}?force=1&v=1`);
      assert.ok([204, 404, 409].includes(remove.status), `rm: ${remove.status} ${remove.text}`);
    }
    await stage.daemon.removeNetworks();
    await stage.daemon.expectNoResidue();
  }
});

/** None when the file has gone meanwhile. */
function lines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}
