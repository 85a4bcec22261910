/** Requests that meet in the middle of a container's start, end or removal; and what `--rm` and policies do to them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

interface State {
  Status: string;
  ExitCode: number;
  Running: boolean;
}

describe('Races of the lifecycle', () => {
  const stage = useStage({ images: ['busybox'] });

  const call = (method: string, path: string, body?: unknown) => stage.daemon.api(method, path, body);
  const create = async (name: string, cmd: string[], hostConfig: object = {}) => {
    // `sleep` as process 1 hears no signal: the end of the daemon need not wait for it.
    const body = { Image: 'busybox', Cmd: cmd, HostConfig: hostConfig, StopTimeout: 0 };
    const answer = await call('POST', `/containers/create?name=${name}`, body);
    assert.equal(answer.status, 201, answer.text);
  };
  const state = async (name: string) =>
    (await call('GET', `/containers/${name}/json`)).json<{ State: State; RestartCount: number }>();
  const exists = async (name: string) => (await call('GET', `/containers/${name}/json`)).status === 200;

  it('a stop, a kill and a forced removal that come during a start wait for it, and then count', async () => {
    const requests: Array<[name: string, method: string, path: string, status: number]> = [
      ['stopped', 'POST', '/containers/stopped/stop?t=0', 204],
      ['killed', 'POST', '/containers/killed/kill', 204],
      ['removed', 'DELETE', '/containers/removed?force=1', 204],
    ];
    for (const [name, method, path, status] of requests) {
      await create(name, ['sleep', '1000']);
      const starting = call('POST', `/containers/${name}/start`);
      await sleep(15);
      const answer = await call(method, path);
      assert.equal(answer.status, status, `${path}: ${answer.text}`);
      assert.equal((await starting).status, 204);
    }
    for (const name of ['stopped', 'killed']) {
      assert.equal((await state(name)).State.Status, 'exited', name);
      assert.equal((await state(name)).State.ExitCode, 137, name);
    }
    assert.equal(await exists('removed'), false);
  });

  it('a removal without force refuses a container that is about to run', async () => {
    await create('about', ['sleep', '1000']);
    const starting = call('POST', '/containers/about/start');
    await sleep(15);
    const answer = await call('DELETE', '/containers/about');
    assert.equal(answer.status, 409, answer.text);
    assert.equal((await starting).status, 204);
    assert.equal((await state('about')).State.Status, 'running');
  });

  it('of two removals at once one does it, and of two starts one', async () => {
    await create('twice', ['sleep', '1000']);
    const starts = await Promise.all([1, 2].map(() => call('POST', '/containers/twice/start')));
    assert.deepEqual(starts.map(({ status }) => status).toSorted(), [204, 304]);
    const removals = await Promise.all([1, 2].map(() => call('DELETE', '/containers/twice?force=1')));
    const [done, refused] = removals.map(({ status }) => status).toSorted((a, b) => a - b);
    assert.equal(done, 204);
    assert.ok(refused === 409 || refused === 404, `${refused}`);
  });

  it('a container whose first process ignores the signal is killed when its time is over', async () => {
    await create('deaf', ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done']);
    await call('POST', '/containers/deaf/start');
    const before = Date.now();
    assert.equal((await call('POST', '/containers/deaf/stop?t=1')).status, 204);
    const took = Date.now() - before;
    assert.ok(took >= 1000 && took < 4000, `${took} ms`);
    assert.equal((await state('deaf')).State.ExitCode, 137);
  });

  it('a paused container can be stopped, killed and removed', async () => {
    const ways = [
      ['POST', '/containers/p0/stop?t=1', 204],
      ['POST', '/containers/p1/kill', 204],
      ['DELETE', '/containers/p2?force=1', 204],
    ] as const;
    for (const [index, [method, path, status]] of ways.entries()) {
      await create(`p${index}`, ['sleep', '1000']);
      await call('POST', `/containers/p${index}/start`);
      assert.equal((await call('POST', `/containers/p${index}/pause`)).status, 204);
      assert.equal((await call(method, path)).status, status, path);
    }
    assert.equal((await state('p0')).State.Status, 'exited');
    assert.equal((await state('p1')).State.Status, 'exited');
    assert.equal(await exists('p2'), false);
  });

  it('`--rm` outlives a restart, and removes at the end of the container and of the daemon', async () => {
    const { daemon } = stage;
    for (const name of ['restarted', 'shut-down']) {
      await create(name, ['sleep', '1000'], { AutoRemove: true });
      await call('POST', `/containers/${name}/start`);
    }
    assert.equal((await call('POST', '/containers/restarted/restart?t=0')).status, 204);
    assert.equal((await state('restarted')).State.Status, 'running');
    const removed = call('POST', '/containers/restarted/wait?condition=removed');
    assert.equal((await call('POST', '/containers/restarted/stop?t=0')).status, 204);
    assert.deepEqual((await removed).json(), { StatusCode: 137, Error: null });
    assert.equal(await exists('restarted'), false);
    await daemon.restart();
    assert.equal(await exists('shut-down'), false);
  });

  it('`--rm` of a container that ended while no daemon lived', async () => {
    const { daemon } = stage;
    await create('orphan', ['sleep', '1'], { AutoRemove: true });
    await call('POST', '/containers/orphan/start');
    await daemon.kill();
    await sleep(1500);
    await daemon.start();
    assert.equal(await exists('orphan'), false);
  });

  it('`--rm` of a container that cannot start removes it, and who waits hears no error', async () => {
    await create('broken', ['/no/such/program'], { AutoRemove: true });
    const removed = call('POST', '/containers/broken/wait?condition=removed');
    await sleep(20);
    assert.equal((await call('POST', '/containers/broken/start')).status, 400);
    assert.deepEqual((await removed).json(), { StatusCode: 127, Error: null });
    assert.equal(await exists('broken'), false);
  });

  it('who waits for a container that is removed before it ever ran is not left waiting', async () => {
    await create('never', ['true']);
    const next = call('POST', '/containers/never/wait?condition=next-exit');
    await sleep(20);
    assert.equal((await call('DELETE', '/containers/never')).status, 204);
    assert.equal((await next).json<{ StatusCode: number }>().StatusCode, 0);
  });

  it('a policy gives up after its retries, and begins anew when the user starts it', async () => {
    await create('tries', ['false'], { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } });
    for (let round = 0; round < 2; round++) {
      assert.equal((await call('POST', '/containers/tries/start')).status, 204);
      await soon(async () => {
        const { State: now, RestartCount } = await state('tries');
        assert.deepEqual([now.Status, RestartCount], ['exited', 2]);
      }, 8000);
    }
  });

  it('a stop while the policy waits ends the waiting; who waits for the container hears of it', async () => {
    await create('loop', ['false'], { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } });
    await call('POST', '/containers/loop/start');
    // Until the wait is long enough to be met in it.
    await soon(async () => {
      const { State: now, RestartCount } = await state('loop');
      assert.ok(now.Status === 'restarting' && RestartCount >= 3);
    }, 8000);
    const next = call('POST', '/containers/loop/wait?condition=next-exit');
    await sleep(20);
    assert.equal((await call('POST', '/containers/loop/stop')).status, 204);
    assert.equal((await next).json<{ StatusCode: number }>().StatusCode, 1);
    const { RestartCount } = await state('loop');
    await sleep(1500);
    assert.equal((await state('loop')).State.Status, 'exited');
    assert.equal((await state('loop')).RestartCount, RestartCount);
  });

  it('at the start of the daemon, what others need starts first', async () => {
    const { daemon } = stage;
    const policy = { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } };
    // Created in the wrong order on purpose: the newcomer is what the older one is attached to.
    await create('base', ['sleep', '1000'], policy);
    await create('joined', ['sleep', '1000'], { ...policy, NetworkMode: 'container:base' });
    await create('linked', ['sleep', '1000'], { ...policy, Links: ['base:db'] });
    for (const name of ['base', 'joined', 'linked']) {
      assert.equal((await call('POST', `/containers/${name}/start`)).status, 204, name);
    }
    await daemon.stop();
    const said = daemon.log().length;
    await daemon.start();
    await soon(async () => {
      for (const name of ['base', 'joined', 'linked'])
        assert.equal((await state(name)).State.Status, 'running', name);
    }, 8000);
    assert.doesNotMatch(daemon.log().slice(said), /failed/);
  });

  it('containers share /dev/shm when one of them offers it', async () => {
    const { cli } = stage;
    await cli('run', '-d', '--name', 'donor', '--ipc', 'shareable', 'busybox', 'sleep', '1000');
    await cli('run', '--rm', '--ipc', 'container:donor', 'busybox', 'sh', '-c', 'echo shared >/dev/shm/file');
    assert.equal(await cli('exec', 'donor', 'cat', '/dev/shm/file'), 'shared');
    await cli('run', '-d', '--name', 'private', 'busybox', 'sleep', '1000');
    const refused = await cli.attempt(['run', '--rm', '--ipc', 'container:private', 'busybox', 'true']);
    assert.match(refused.stderr, /non-shareable IPC/);
  });
});
