import assert from 'node:assert/strict';
import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isKind } from '../../base/errors.ts';
import type { ContainerdEvent } from './api.ts';
import {
  bareSpec,
  type Machine,
  makeContainer,
  makeFifo,
  makeMachine,
  readAll,
  readFifo,
  type SpecOptions,
  until,
} from './test-fixtures.ts';

describe('tasks', { timeout: 120_000 }, () => {
  let machine: Machine;
  let count = 0;
  const events: ContainerdEvent[] = [];
  const ending = new AbortController();
  let listening: Promise<void>;

  before(async () => {
    machine = await makeMachine();
    await new Promise<void>((onOpen) => {
      listening = (async () => {
        for await (const event of machine.client.events.subscribe({ signal: ending.signal, onOpen }))
          events.push(event);
      })();
    });
  });

  after(async () => {
    ending.abort();
    await listening;
    await machine.destroy();
  });

  /** A running container with its output on FIFOs that we read. */
  async function run(options: SpecOptions) {
    const { client, directory } = machine;
    const id = `t${count++}`;
    const rootfs = await makeContainer(machine, id, options);
    const paths = {
      stdin: makeFifo(join(directory, `${id}.in`)),
      stdout: makeFifo(join(directory, `${id}.out`)),
      ...(options.terminal ? {} : { stderr: makeFifo(join(directory, `${id}.err`)) }),
    };
    const out = readAll(readFifo(paths.stdout));
    const err = paths.stderr ? readAll(readFifo(paths.stderr)) : Promise.resolve('');
    const { terminal } = options;
    const { pid } = await client.tasks.create({ containerId: id, rootfs, terminal, ...paths });
    const ended = client.tasks.wait(id);
    await client.tasks.start(id);
    return { id, pid, out, err, ended, paths };
  }

  async function remove(id: string): Promise<void> {
    await machine.client.tasks.delete(id);
    await machine.client.snapshots.remove(id);
    await machine.client.containers.delete(id);
  }

  const eventsOf = (id: string) =>
    events.filter((event) => 'containerId' in event && event.containerId === id);

  test('a task gives its output, its exit status and its events', async () => {
    const { tasks, containers } = machine.client;
    const { id, pid, out, err, ended } = await run({ args: ['sh', '-c', 'echo hi; echo oh >&2; exit 3'] });
    assert.equal((await ended).exitStatus, 3);
    assert.equal(await out, 'hi\n');
    assert.equal(await err, 'oh\n');
    const stopped = await tasks.get(id);
    assert.equal(stopped.status, 'stopped');
    assert.equal(stopped.exitStatus, 3);
    assert.ok(Math.abs(Date.now() - stopped.exitedAt!.getTime()) < 30_000);
    const deleted = await tasks.delete(id);
    assert.deepEqual({ pid: deleted.pid, exitStatus: deleted.exitStatus }, { pid, exitStatus: 3 });
    await assert.rejects(tasks.get(id), (error) => isKind(error, 'not-found'));
    await containers.delete(id);
    await until('delete event', () => eventsOf(id).some(({ type }) => type === 'task-delete'));
    assert.deepEqual(
      eventsOf(id).map(({ type }) => type),
      ['task-create', 'task-start', 'task-exit', 'task-delete'],
    );
    const exit = eventsOf(id).find((event) => event.type === 'task-exit')!;
    assert.equal(exit.execId, undefined);
    assert.equal(exit.exitStatus, 3);
    assert.equal(exit.namespace, machine.name);
  });

  test('`kill()` ends a process; deleting a running task, creating it twice and killing the dead are refused', async () => {
    const { tasks } = machine.client;
    const { id, ended } = await run({ args: ['sleep', '60'] });
    await assert.rejects(tasks.delete(id), (error) => isKind(error, 'conflict'));
    await assert.rejects(tasks.create({ containerId: id }), (error) => isKind(error, 'conflict'));
    await tasks.kill(id, 9);
    assert.equal((await ended).exitStatus, 128 + 9);
    await assert.rejects(tasks.kill(id, 9), (error) => isKind(error, 'not-found'));
    await remove(id);
  });

  test('`exec()` runs a second process with its own output, status and events', async () => {
    const { tasks } = machine.client;
    const { id, pid } = await run({ args: ['sleep', '60'] });
    const stdout = makeFifo(join(machine.directory, `${id}.exec`));
    const out = readAll(readFifo(stdout));
    const process = {
      args: ['sh', '-c', 'echo in exec; sleep 0.3; exit 7'],
      cwd: '/',
      env: ['PATH=/bin'],
      user: { uid: 0, gid: 0 },
    };
    await tasks.exec(id, { execId: 'e1', process, stdout, stderr: stdout });
    const ended = tasks.wait(id, { execId: 'e1' });
    const started = await tasks.start(id, { execId: 'e1' });
    assert.notEqual(started.pid, pid);
    const pids = await tasks.pids(id);
    assert.ok(pids.includes(pid) && pids.includes(started.pid));
    assert.equal((await tasks.get(id, { execId: 'e1' })).containerId, id);
    assert.equal((await ended).exitStatus, 7);
    assert.equal(await out, 'in exec\n');
    assert.equal((await tasks.deleteProcess(id, 'e1')).exitStatus, 7);
    await until('exit event', () => eventsOf(id).some((event) => event.type === 'task-exit'));
    assert.deepEqual(
      eventsOf(id)
        .map((event) => [event.type, 'execId' in event ? event.execId : undefined])
        .slice(2),
      [
        ['task-exec-added', 'e1'],
        ['task-exec-started', 'e1'],
        ['task-exit', 'e1'],
      ],
    );
    await tasks.kill(id, 9, { all: true });
    await tasks.wait(id);
    await remove(id);
  });

  test('a command that does not exist is named in the error, and nothing is left', async () => {
    const { tasks, containers } = machine.client;
    const id = `t${count++}`;
    const rootfs = await makeContainer(machine, id, { args: ['nonesuch'] });
    await assert.rejects(
      tasks.create({ containerId: id, rootfs }),
      /create task .*"nonesuch": executable file not found/,
    );
    await assert.rejects(tasks.get(id), (error) => isKind(error, 'not-found'));
    await containers.delete(id);
    assert.doesNotMatch(await readFile('/proc/self/mounts', 'utf8'), new RegExp(`/${machine.name}/${id}/`));
  });

  test('`pause()` and `resume()` stop and continue', async () => {
    const { tasks } = machine.client;
    const { id, ended } = await run({ args: ['sleep', '60'] });
    await tasks.pause(id);
    assert.equal((await tasks.get(id)).status, 'paused');
    await tasks.resume(id);
    assert.equal((await tasks.get(id)).status, 'running');
    await until('events', () => eventsOf(id).length >= 4);
    assert.deepEqual(
      eventsOf(id)
        .map(({ type }) => type)
        .slice(2),
      ['task-paused', 'task-resumed'],
    );
    await tasks.kill(id, 9);
    await ended;
    await remove(id);
  });

  test('`metrics()` and `update()` speak of the cgroup', async () => {
    const { tasks } = machine.client;
    const { id, ended } = await run({ args: ['sleep', '60'], memory: 64 << 20 });
    const first = await tasks.metrics(id);
    const limit = (metrics: typeof first) =>
      metrics.version === 1 ? metrics.memory!.usage!.limit : metrics.memory!.usageLimit;
    assert.equal(limit(first), 64 << 20);
    assert.ok(first.pids!.current >= 1);
    const total = first.version === 1 ? first.cpu!.usage!.total : first.cpu!.usageUsec;
    assert.ok(total > 0);
    await tasks.update(id, { memory: { limit: 32 << 20 } });
    assert.equal(limit(await tasks.metrics(id)), 32 << 20);
    await tasks.kill(id, 9);
    await ended;
    await remove(id);
  });

  test('a process over its memory is killed, and the event says so once', async () => {
    // tail keeps the last line, and /dev/zero has but one.
    const { id, ended, out } = await run({
      args: ['sh', '-c', 'tail /dev/zero; echo status $?'],
      memory: 8 << 20,
    });
    await ended;
    assert.match(await out, /status 137/);
    await until('OOM event', () => eventsOf(id).some(({ type }) => type === 'task-oom'));
    await remove(id);
    await until('delete event', () => eventsOf(id).some(({ type }) => type === 'task-delete'));
    assert.equal(eventsOf(id).filter(({ type }) => type === 'task-oom').length, 1);
  });

  test('stdin stays open until `closeStdin()`', async () => {
    const { tasks } = machine.client;
    const { id, ended, out, paths } = await run({ args: ['sh', '-c', 'cat; echo end'] });
    // Opened without waiting for a reader: the shim opens its end in the background.
    const fd = openSync(paths.stdin, constants.O_RDWR | constants.O_NONBLOCK);
    writeFileSync(fd, 'one\n');
    closeSync(fd);
    const again = openSync(paths.stdin, constants.O_RDWR | constants.O_NONBLOCK);
    writeFileSync(again, 'two\n');
    closeSync(again);
    assert.equal((await tasks.get(id)).status, 'running');
    await tasks.closeStdin(id);
    await ended;
    assert.equal(await out, 'one\ntwo\nend\n');
    await remove(id);
  });

  test('a terminal has a size that can be set', async () => {
    const { tasks } = machine.client;
    const { id, ended, out, paths } = await run({
      args: ['sh', '-c', 'read go; stty size'],
      terminal: true,
    });
    await tasks.resizePty(id, { width: 132, height: 43 });
    await writeFile(paths.stdin, 'go\n');
    await ended;
    assert.match(await out, /43 132/);
    await remove(id);
  });

  test('output waits in the pipe while its reader is away', async () => {
    const { client, directory } = machine;
    const id = `t${count++}`;
    const rootfs = await makeContainer(machine, id, {
      args: ['sh', '-c', 'for i in $(seq 6); do echo $i; sleep 0.1; done; sleep 0.5'],
    });
    const stdout = makeFifo(join(directory, `${id}.out`));
    const first = readFifo(stdout);
    await client.tasks.create({ containerId: id, rootfs, stdout, stderr: stdout });
    await client.tasks.start(id);
    const [head] = await first.take(1).toArray();
    first.destroy();
    await new Promise((resolve) => setTimeout(resolve, 250));
    assert.equal(head + (await readAll(readFifo(stdout))), '1\n2\n3\n4\n5\n6\n');
    await client.tasks.wait(id);
    await remove(id);
  });

  test('regular files take the output without any reader', async () => {
    const { client, directory } = machine;
    const id = `t${count++}`;
    const rootfs = await makeContainer(machine, id, { args: ['sh', '-c', 'echo out; echo err >&2'] });
    const stdout = join(directory, `${id}.out`);
    const stderr = join(directory, `${id}.err`);
    await writeFile(stdout, 'before\n');
    await writeFile(stderr, '');
    await client.tasks.create({ containerId: id, rootfs, stdout, stderr });
    await client.tasks.start(id);
    await client.tasks.wait(id);
    await client.tasks.delete(id);
    assert.equal(await readFile(stdout, 'utf8'), 'before\nout\n');
    assert.equal(await readFile(stderr, 'utf8'), 'err\n');
    await client.containers.delete(id);
  });

  test('an aborted `wait()` rejects with the reason, and the task runs on', async () => {
    const { tasks } = machine.client;
    const { id, ended } = await run({ args: ['sleep', '60'] });
    const reason = new Error('enough');
    const stop = new AbortController();
    const waiting = tasks.wait(id, { signal: stop.signal });
    stop.abort(reason);
    await assert.rejects(waiting, reason);
    await assert.rejects(tasks.wait(id, { timeoutMs: 100 }), (error) => isKind(error, 'unavailable'));
    await tasks.kill(id, 9);
    await ended;
    await remove(id);
  });

  test('container records keep spec, labels and runtime; `update()` changes what is given', async () => {
    const { containers } = machine.client;
    const spec = bareSpec(machine, 'record', { args: ['true'] });
    const made = await containers.create({ id: 'record', spec, labels: { a: '1' }, image: 'busybox' });
    assert.deepEqual(made.spec, spec);
    assert.equal(made.runtime.name, 'io.containerd.runc.v2');
    await assert.rejects(containers.create({ id: 'record', spec }), (error) => isKind(error, 'conflict'));
    const changed = await containers.update({ id: 'record', labels: { b: '2' } });
    assert.deepEqual(changed.labels, { b: '2' });
    assert.equal(changed.image, 'busybox');
    assert.deepEqual(
      (await containers.list(['labels."b"==2'])).map(({ id }) => id),
      ['record'],
    );
    await containers.delete('record');
    await assert.rejects(containers.get('record'), (error) => isKind(error, 'not-found'));
  });
});
