/** What the root tests of this folder stand on: a containerd of their own, a busybox image, FIFOs, a bare OCI spec. */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants, openSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { runAll } from '../../base/errors.ts';
import type { Containerd, Labels, Mount } from './api.ts';
import { connectContainerd } from './client.ts';
import { ManagedContainerd, type ManagedOptions } from './managed.ts';

const APPLETS = [
  'sh',
  'echo',
  'cat',
  'sleep',
  'true',
  'kill',
  'head',
  'tail',
  'dd',
  'yes',
  'stty',
  'seq',
  'id',
];

/** A directory of roots, a managed containerd in it, a client, and the way to make all of it go. */
export interface Machine {
  readonly directory: string;
  /** Cgroup parent and prefix for names: unique. */
  readonly name: string;
  readonly options: ManagedOptions;
  readonly managed: ManagedContainerd;
  readonly client: Containerd;
  /** Name of a committed snapshot with busybox in it. */
  readonly image: string;
  destroy(): Promise<void>;
}

export async function makeMachine(overrides: Partial<ManagedOptions> = {}): Promise<Machine> {
  const name = `bpctrd${randomBytes(3).toString('hex')}`;
  const directory = await mkdtemp(join(tmpdir(), `${name}-`));
  const options = { root: join(directory, 'root'), state: join(directory, 'state'), ...overrides };
  const managed = await ManagedContainerd.start(options);
  const client = connectContainerd({
    address: managed.socket,
    namespace: name,
    runc: { root: join(directory, 'runc') },
    reconnectMs: 5_000,
  });
  const destroy = async () => {
    // A test may have stopped or replaced it; whatever runs now is what has to go.
    await managed.release();
    const last = await ManagedContainerd.start(options);
    await runAll(`destroy ${name}`, [
      () => removeEverything(client),
      () => client.close(),
      () => last.stop(),
      () => removeShims(name, options.state),
      () => removeCgroups(name),
      () => rm(directory, { recursive: true, force: true }),
    ]);
  };
  try {
    const image = await importBusybox(client);
    return { directory, name, options, managed, client, image, destroy };
  } catch (error) {
    await destroy();
    throw error;
  }
}

/** A layer with busybox, as a tar; the bytes are the same at every call. */
export async function busyboxLayer(extra: Record<string, string> = {}): Promise<Buffer> {
  const tar = pack();
  const mtime = new Date(0);
  for (const directory of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp'])
    tar.entry({ name: `${directory}/`, type: 'directory', mode: 0o755, mtime });
  tar.entry({ name: 'bin/busybox', mode: 0o755, mtime }, await readFile('/bin/busybox'));
  for (const applet of APPLETS)
    tar.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox', mtime });
  for (const [name, text] of Object.entries(extra)) tar.entry({ name, mode: 0o644, mtime }, text);
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Writes the layer, unpacks it, commits it under its diff ID, and roots it against the garbage collector. */
export async function importBusybox(client: Containerd): Promise<string> {
  const root: Labels = { 'containerd.io/gc.root': new Date(0).toISOString() };
  const layer = await busyboxLayer();
  const blob = await client.content.write({ ref: 'busybox', source: layer, labels: root });
  const mounts = await client.snapshots.prepare('unpack-busybox', '', root);
  const mediaType = 'application/vnd.oci.image.layer.v1.tar';
  const applied = await client.diff.apply({ mediaType, ...blob }, mounts);
  await client.snapshots.commit(applied.digest, 'unpack-busybox', root);
  return applied.digest;
}

export interface SpecOptions {
  args: string[];
  terminal?: boolean;
  memory?: number;
  netns?: string;
}

/** As little as runc takes: namespaces, /proc, /dev, a cgroup. */
export function bareSpec(machine: Pick<Machine, 'name'>, id: string, options: SpecOptions) {
  const { args, terminal = false, memory, netns } = options;
  return {
    ociVersion: '1.0.2',
    process: {
      terminal,
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/bin'],
      cwd: '/',
      noNewPrivileges: true,
    },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['newinstance', 'ptmxmode=0666'],
      },
    ],
    linux: {
      cgroupsPath: `/${machine.name}/${id}`,
      namespaces: [
        { type: 'pid' },
        { type: 'mount' },
        { type: 'ipc' },
        { type: 'uts' },
        netns === undefined ? { type: 'network' } : { type: 'network', path: netns },
      ],
      resources: memory === undefined ? {} : { memory: { limit: memory, swap: memory } },
    },
  };
}

/** Record and snapshot of a container; its task is the test's. */
export async function makeContainer(machine: Machine, id: string, options: SpecOptions): Promise<Mount[]> {
  const { client, image } = machine;
  // The container record must name the snapshot before the collector looks: made under a lease.
  return client.withLease(async (leased) => {
    const mounts = await leased.snapshots.prepare(id, image);
    await leased.containers.create({ id, spec: bareSpec(machine, id, options), snapshotKey: id });
    return mounts;
  });
}

export function makeFifo(path: string): string {
  execFileSync('mkfifo', ['-m', '600', path]);
  return path;
}

/** The reading end, opened without waiting for a writer. */
export function readFifo(path: string): Socket {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

/** All that comes until the last writer closes. */
export async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const part of socket) text += part;
  return text;
}

export async function until(what: string, test: () => Promise<boolean> | boolean, ms = 5_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await test())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function removeEverything(client: Containerd): Promise<void> {
  for (const { containerId } of await client.tasks.list()) {
    await client.tasks.kill(containerId, 9, { all: true }).catch(() => {});
    await client.tasks.wait(containerId, { timeoutMs: 5_000 }).catch(() => {});
    await client.tasks.delete(containerId).catch(() => {});
  }
  for (const { id } of await client.containers.list()) await client.containers.delete(id);
}

/** What a failed test may leave: shims, the processes below them, and their mounts. */
async function removeShims(name: string, state: string): Promise<void> {
  for (const pid of await readdir('/proc')) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!line.includes(`-namespace\0${name}\0`)) continue;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    for (const victim of [...children.trim().split(' '), pid].map(Number).filter(Boolean)) {
      try {
        process.kill(victim, 'SIGKILL');
      } catch {}
    }
  }
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  for (const line of mounts.split('\n')) {
    const target = line.split(' ')[1];
    if (target?.startsWith(state)) execFileSync('umount', ['-l', target]);
  }
}

/** The parent cgroups that runc made on the way and leaves behind: one level, in every hierarchy. */
async function removeCgroups(name: string): Promise<void> {
  for (const hierarchy of [...(await readdir('/sys/fs/cgroup')), '.']) {
    const path = join('/sys/fs/cgroup', hierarchy, name);
    for (const child of await readdir(path, { withFileTypes: true }).catch(() => []))
      if (child.isDirectory()) await rmdir(join(path, child.name)).catch(() => {});
    await rmdir(path).catch(() => {});
  }
}
