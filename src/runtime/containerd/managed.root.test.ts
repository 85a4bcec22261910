import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isKind } from '../../base/errors.ts';
import { connectContainerd } from './client.ts';
import { ManagedContainerd } from './managed.ts';
import { isRunning } from './process-table.ts';
import {
  bareSpec,
  importBusybox,
  type Machine,
  makeContainer,
  makeFifo,
  makeMachine,
  readAll,
  readFifo,
  until,
} from './test-fixtures.ts';

describe('ManagedContainerd', { timeout: 120_000 }, () => {
  let machine: Machine;
  let restarts = 0;
  const messages: string[] = [];

  before(async () => {
    machine = await makeMachine({ log: (_, message) => messages.push(message), onRestart: () => restarts++ });
  });
  after(() => machine.destroy());

  async function run(id: string, script: string) {
    const { client, directory } = machine;
    const rootfs = await makeContainer(machine, id, { args: ['sh', '-c', script] });
    const stdout = makeFifo(join(directory, `${id}.out`));
    const out = readAll(readFifo(stdout));
    const { pid } = await client.tasks.create({ containerId: id, rootfs, stdout, stderr: stdout });
    await client.tasks.start(id);
    return { pid, out };
  }

  async function remove(id: string): Promise<void> {
    await machine.client.tasks.delete(id);
    await machine.client.snapshots.remove(id);
    await machine.client.containers.delete(id);
  }

  /** Looks after the machine's containerd as a daemon started later would. */
  const startAgain = () => ManagedContainerd.start(machine.options);

  test('killed, it is started again; the container runs on, its exit is seen', async () => {
    const { client, managed } = machine;
    const { pid, out } = await run('survivor', 'echo before; sleep 2; echo after; exit 5');
    const died = client.tasks.wait('survivor');
    const before = managed.pid;
    process.kill(before, 'SIGKILL');
    await assert.rejects(died, (error) => isKind(error, 'unavailable'));
    // The call waits for the socket to come back.
    const task = await client.tasks.get('survivor');
    assert.equal(task.status, 'running');
    assert.equal(task.pid, pid);
    assert.equal((await client.tasks.wait('survivor')).exitStatus, 5);
    assert.equal(await out, 'before\nafter\n');
    await until('restart', () => restarts === 1);
    assert.notEqual(managed.pid, before);
    assert.match(messages.join('\n'), /killed by SIGKILL/);
    await remove('survivor');
  });

  test('an exit while containerd was away is told by `wait()` afterwards', async () => {
    const { client, managed } = machine;
    await run('early', 'sleep 0.3; exit 6');
    process.kill(managed.pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 600));
    process.kill(managed.pid, 'SIGKILL');
    await until('restart', () => restarts === 2);
    assert.equal((await client.tasks.wait('early')).exitStatus, 6);
    await remove('early');
  });

  test('one left by an earlier daemon is taken over, watched and stopped', async () => {
    const { managed } = machine;
    await managed.release();
    const heir = await startAgain();
    assert.equal(heir.adopted, true);
    assert.equal(heir.pid, managed.pid);
    process.kill(heir.pid, 'SIGKILL');
    await until('restart', () => restarts === 3);
    assert.equal((await machine.client.version()).version.startsWith('1.'), true);
    await heir.release();
  });

  test('without its pid file it is found by its command line', async () => {
    await writeFile(join(machine.options.state, 'containerd.pid'), '1\n');
    const heir = await startAgain();
    assert.equal(heir.adopted, true);
    assert.equal(await readFile(join(machine.options.state, 'containerd.pid'), 'utf8'), `${heir.pid}\n`);
    await heir.release();
  });

  test('one with another configuration is replaced, under running containers', async () => {
    const first = await startAgain();
    await first.release();
    await run('steady', 'sleep 60');
    const heir = await ManagedContainerd.start({ ...machine.options, logLevel: 'error' });
    assert.equal(heir.adopted, false);
    assert.equal(await isRunning(first.pid), false);
    assert.equal((await machine.client.tasks.get('steady')).status, 'running');
    await machine.client.tasks.kill('steady', 9);
    await machine.client.tasks.wait('steady');
    await remove('steady');
    await heir.stop();
    assert.equal(await isRunning(heir.pid), false);
  });

  test('`stop()` leaves containers running, and the next start finds them', async () => {
    const { client } = machine;
    const current = await startAgain();
    await run('orphan', 'sleep 60');
    await current.stop();
    const next = await startAgain();
    assert.equal(next.adopted, false);
    assert.equal((await client.tasks.get('orphan')).status, 'running');
    await client.tasks.kill('orphan', 9);
    await client.tasks.wait('orphan');
    await remove('orphan');
    await next.release();
  });

  test('a program that fails is quoted with its last words', async () => {
    const { directory } = machine;
    const binary = join(directory, 'false-containerd');
    await writeFile(binary, '#!/bin/sh\necho no such luck >&2\nexit 3\n', { mode: 0o755 });
    const options = { root: join(directory, 'r2'), state: join(directory, 's2') };
    await assert.rejects(
      ManagedContainerd.start({ ...options, binary }),
      /exited with status 3; its log ends:\nno such luck/,
    );
    await assert.rejects(
      ManagedContainerd.start({ ...options, binary: 'no-such-containerd' }),
      /no program "no-such-containerd"/,
    );
    const socket = join('/tmp', 'x'.repeat(100));
    await assert.rejects(ManagedContainerd.start({ ...options, socket }), /at most 101 fit/);
  });

  test('two of them with the same namespace and container id do not meet', async () => {
    const other = await makeMachine();
    try {
      const { name } = machine;
      const current = await startAgain();
      await run('same', 'sleep 60');
      // The other machine's client in the first one's namespace and with its container's id.
      const twin: Machine = { ...other, name };
      const client = connectContainerd({
        address: other.managed.socket,
        namespace: name,
        runc: { root: join(other.directory, 'runc') },
      });
      const image = await importBusybox(client);
      const rootfs = await client.snapshots.prepare('same', image);
      const spec = bareSpec(twin, 'same-twin', { args: ['sleep', '60'] });
      await client.containers.create({ id: 'same', spec, snapshotKey: 'same' });
      await client.tasks.create({ containerId: 'same', rootfs });
      await client.tasks.start('same');
      await client.tasks.kill('same', 9);
      assert.equal((await client.tasks.wait('same')).exitStatus, 137);
      await client.tasks.delete('same');
      await client.containers.delete('same');
      client.close();
      assert.equal((await machine.client.tasks.get('same')).status, 'running');
      await machine.client.tasks.kill('same', 9);
      await machine.client.tasks.wait('same');
      await remove('same');
      await current.release();
    } finally {
      await other.destroy();
    }
  });
});
