/**
 * An engine of paper for the API's own tests: containers are records, their output is what a test says, a session
 * gives back what it gets. Nothing here runs anything.
 */

import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { BridgeportError, conflict, invalid, notFound, notImplemented } from '../../base/errors.ts';
import type {
  ContainerCreateBody,
  ContainerInspect,
  ContainerStats,
  ContainerSummary,
  EventMessage,
  ImageInspect,
  NetworkInspect,
  PathStat,
  Volume,
} from '../../base/wire/index.ts';
import type { Backend, LogRecord, SessionStreams, StreamSession } from '../backend.ts';

export interface FakeContainer {
  id: string;
  name: string;
  body: ContainerCreateBody;
  running: boolean;
  exitCode: number;
  log: LogRecord[];
}

export interface FakeExec {
  id: string;
  container: string;
  tty: boolean;
  cmd: string[];
  exitCode: number | null;
}

/** What the fake remembers, for tests to look at. */
export class FakeEngine {
  readonly containers = new Map<string, FakeContainer>();
  readonly execs = new Map<string, FakeExec>();
  readonly volumes = new Map<string, Volume>();
  /** Every call of the backend: `containers.stop web {"timeout":3}`. */
  readonly calls: Array<{ name: string; args: unknown[] }> = [];
  readonly uploads: Array<{ path: string; bytes: number }> = [];
  /** Attach sessions that run. */
  sessions = 0;
  #waiters: Array<{ id: string; resolve: (code: number) => void }> = [];
  #next = 1;

  add(name: string, body: ContainerCreateBody, running: boolean): FakeContainer {
    const id = (this.#next++).toString(16).padStart(2, '0').repeat(32);
    const container = { id, name, body, running, exitCode: 0, log: [] as LogRecord[] };
    this.containers.set(id, container);
    return container;
  }

  find(ref: string): FakeContainer {
    for (const container of this.containers.values()) {
      if (
        container.id === ref ||
        container.name === ref ||
        (ref.length >= 4 && container.id.startsWith(ref))
      ) {
        return container;
      }
    }
    throw notFound(`No such container: ${ref}`);
  }

  waitFor(id: string): Promise<number> {
    return new Promise((resolve) => this.#waiters.push({ id, resolve }));
  }

  exit(container: FakeContainer, code: number): void {
    container.running = false;
    container.exitCode = code;
    for (const waiter of this.#waiters) if (waiter.id === container.id) waiter.resolve(code);
    this.#waiters = this.#waiters.filter(({ id }) => id !== container.id);
  }

  /** Gives stdin back on stdout, each line starting with `!` on stderr; ends with its input. */
  echo(tty: boolean, ended: () => void): StreamSession {
    return {
      tty,
      run: async ({ stdin, stdout, stderr, signal }: SessionStreams) => {
        if (stdin === undefined) {
          stdout?.write('no stdin\n');
          ended();
          return;
        }
        const gone = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        const copied = (async () => {
          for await (const chunk of stdin) {
            const target = (chunk as Buffer)[0] === 0x21 ? stderr : stdout;
            if (target !== undefined && !target.write(chunk)) {
              await Promise.race([new Promise((resolve) => target.once('drain', resolve)), gone]);
            }
          }
        })();
        await Promise.race([copied, gone]);
        ended();
      },
    };
  }
}

const NEVER = '0001-01-01T00:00:00Z';
const STARTED = '2026-11-22T05:16:09.123456789Z';
export const IMAGE_ID = `sha256:${'ab'.repeat(32)}`;

function inspectOf(container: FakeContainer): ContainerInspect {
  const { HostConfig, NetworkingConfig, ...config } = container.body;
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return {
    Id: container.id,
    Created: STARTED,
    Path: command[0] ?? '',
    Args: command.slice(1),
    State: {
      Status: container.running ? 'running' : 'exited',
      Running: container.running,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: container.running ? 4242 : 0,
      ExitCode: container.exitCode,
      Error: '',
      StartedAt: STARTED,
      FinishedAt: NEVER,
    },
    Image: IMAGE_ID,
    ResolvConfPath: '',
    HostnamePath: '',
    HostsPath: '',
    LogPath: '',
    Name: `/${container.name}`,
    RestartCount: 0,
    Driver: 'overlayfs',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
    HostConfig: { NetworkMode: 'bridge', ...HostConfig } as ContainerInspect['HostConfig'],
    GraphDriver: { Name: 'overlayfs', Data: null },
    Mounts: [],
    Config: {
      Hostname: container.id.slice(0, 12),
      Domainname: '',
      User: '',
      AttachStdin: false,
      AttachStdout: false,
      AttachStderr: false,
      Tty: false,
      OpenStdin: false,
      StdinOnce: false,
      Env: [],
      Cmd: null,
      Image: '',
      Volumes: null,
      WorkingDir: '',
      Entrypoint: null,
      Labels: {},
      ...config,
    },
    NetworkSettings: {
      Networks: NetworkingConfig?.EndpointsConfig ?? {},
      Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] },
    } as unknown as ContainerInspect['NetworkSettings'],
  };
}

function summaryOf(container: FakeContainer): ContainerSummary {
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: container.body.Image ?? '',
    ImageID: IMAGE_ID,
    Command: (container.body.Cmd ?? []).join(' '),
    Created: 1_795_000_000,
    Ports: [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }],
    Labels: container.body.Labels ?? {},
    State: container.running ? 'running' : 'exited',
    Status: container.running ? 'Up 2 seconds' : 'Exited (0) 2 seconds ago',
    HostConfig: { NetworkMode: 'bridge', Annotations: { a: 'b' } },
    NetworkSettings: { Networks: {} },
    Mounts: [],
  };
}

const network: NetworkInspect = {
  Name: 'bridge',
  Id: 'cd'.repeat(32),
  Created: STARTED,
  Scope: 'local',
  Driver: 'bridge',
  EnableIPv4: true,
  EnableIPv6: false,
  IPAM: { Driver: 'default', Options: null, Config: [{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }] },
  Internal: false,
  Attachable: false,
  Ingress: false,
  ConfigFrom: { Network: '' },
  ConfigOnly: false,
  Containers: {
    x: { Name: 'web', EndpointID: 'e', MacAddress: 'm', IPv4Address: '172.17.0.2/16', IPv6Address: '' },
  },
  Options: {},
  Labels: {},
};

function imageInspect(name: string): ImageInspect {
  return {
    Id: IMAGE_ID,
    RepoTags: [name],
    RepoDigests: [],
    Parent: '',
    Comment: '',
    Created: STARTED,
    DockerVersion: '',
    Author: '',
    Architecture: 'amd64',
    Os: 'linux',
    Size: 1234,
    GraphDriver: { Name: 'overlayfs', Data: null },
    RootFS: { Type: 'layers', Layers: [] },
    Metadata: { LastTagTime: NEVER },
    Config: {} as ImageInspect['Config'],
  };
}

const sample = (read: string): ContainerStats => ({
  read,
  preread: NEVER,
  pids_stats: { current: 3 },
  blkio_stats: {},
  num_procs: 0,
  storage_stats: {},
  cpu_stats: {
    cpu_usage: { total_usage: 2e6, usage_in_kernelmode: 0, usage_in_usermode: 0 },
    system_cpu_usage: 2e9,
    online_cpus: 2,
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  },
  precpu_stats: {
    cpu_usage: { total_usage: 1e6, usage_in_kernelmode: 0, usage_in_usermode: 0 },
    system_cpu_usage: 1e9,
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  },
  memory_stats: { usage: 1024 * 1024, limit: 64 * 1024 * 1024, stats: {} },
  name: '/web',
  id: 'id',
});

async function drain(stream: Readable): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  return bytes;
}

const STAT: PathStat = { name: 'hosts', size: 5, mode: 0o644, mtime: STARTED, linkTarget: '' };

export const EVENT: EventMessage = {
  Type: 'container',
  Action: 'start',
  Actor: { ID: '01'.repeat(32), Attributes: { image: 'web', name: 'web' } },
  scope: 'local',
  time: 1_795_000_000,
  timeNano: 1_795_000_000_123_456_789n,
};

export function fakeBackend(engine: FakeEngine, tar: () => Buffer = () => Buffer.alloc(1024)): Backend {
  const backend: Backend = {
    containers: {
      async create(name, _platform, body) {
        if (body.Image === 'nosuch') throw notFound('No such image: nosuch:latest');
        if (name !== undefined && [...engine.containers.values()].some((other) => other.name === name)) {
          throw conflict(`Conflict. The container name "/${name}" is already in use`);
        }
        return { Id: engine.add(name ?? 'nameless', body, false).id, Warnings: [] };
      },
      async list({ all }) {
        return [...engine.containers.values()].filter((one) => all || one.running).map(summaryOf);
      },
      inspect: async (ref) => inspectOf(engine.find(ref)),
      async start(ref) {
        const container = engine.find(ref);
        if (container.running) throw new BridgeportError('not-modified', 'already started');
        container.running = true;
        if (!container.body.OpenStdin && container.body.Cmd?.[0] === 'exit') {
          setTimeout(() => engine.exit(container, Number(container.body.Cmd?.[1] ?? 0)), 20);
        }
      },
      async stop(ref) {
        const container = engine.find(ref);
        if (!container.running) throw new BridgeportError('not-modified', 'already stopped');
        engine.exit(container, 0);
      },
      async restart(ref) {
        engine.find(ref).running = true;
      },
      async kill(ref) {
        const container = engine.find(ref);
        if (!container.running) throw conflict(`cannot kill container: ${ref}: container is not running`);
        engine.exit(container, 137);
      },
      pause: async (ref) => void engine.find(ref),
      unpause: async (ref) => void engine.find(ref),
      async rename(ref, name) {
        engine.find(ref).name = name;
      },
      update: async () => ({ Warnings: null as unknown as string[] }),
      async remove(ref, { force }) {
        const container = engine.find(ref);
        if (container.running && !force)
          throw conflict(`cannot remove container "/${container.name}": running`);
        engine.exit(container, 137);
        engine.containers.delete(container.id);
      },
      prune: async () => ({ ContainersDeleted: null, SpaceReclaimed: 0 }),
      async wait(ref, condition) {
        const container = engine.find(ref);
        const done = condition === 'not-running' && !container.running;
        return {
          result: (done ? Promise.resolve(container.exitCode) : engine.waitFor(container.id)).then(
            (StatusCode) => ({
              StatusCode,
            }),
          ),
        };
      },
      async attach(ref, { stdin }) {
        const container = engine.find(ref);
        const session = engine.echo(container.body.Tty ?? false, () => engine.exit(container, 7));
        if (stdin) return session;
        return {
          tty: session.tty,
          run: async ({ stdout, stderr, signal }) => {
            engine.sessions++;
            stdout?.write('out\n');
            stderr?.write('err\n');
            const gone = new Promise((resolve) => signal.addEventListener('abort', resolve));
            await Promise.race([engine.waitFor(container.id), gone]);
            engine.sessions--;
          },
        };
      },
      resize: async (ref) => void engine.find(ref),
      async logs(ref, { follow, signal }) {
        const container = engine.find(ref);
        async function* records(): AsyncGenerator<LogRecord> {
          yield* container.log;
          while (follow && container.running && !signal.aborted) {
            await sleep(10, undefined, { signal }).catch(() => {});
          }
        }
        return { tty: container.body.Tty ?? false, records: records() };
      },
      async top(ref) {
        engine.find(ref);
        return { Titles: ['PID', 'CMD'], Processes: [['1', 'sh']] };
      },
      async stats(ref, { stream, signal }) {
        engine.find(ref);
        async function* samples(): AsyncGenerator<ContainerStats> {
          yield sample(STARTED);
          while (stream && !signal.aborted) {
            await sleep(20, undefined, { signal }).catch(() => {});
            yield sample(STARTED);
          }
        }
        return samples();
      },
      async changes(ref) {
        engine.find(ref);
        return [];
      },
      async export(ref) {
        engine.find(ref);
        return Readable.from([tar()]);
      },
      async statPath(ref, path) {
        engine.find(ref);
        if (path.includes('missing')) throw notFound(`Could not find the file ${path} in container ${ref}`);
        return STAT;
      },
      async getArchive(ref) {
        engine.find(ref);
        return { stat: STAT, tar: Readable.from([tar()]) };
      },
      async putArchive(ref, path, stream) {
        engine.find(ref);
        if (path === '/refused') throw invalid('refused before reading');
        engine.uploads.push({ path, bytes: await drain(stream) });
      },
      async execCreate(ref, body) {
        const container = engine.find(ref);
        const id = (engine.execs.size + 1).toString(16).padStart(4, 'e').repeat(16);
        engine.execs.set(id, {
          id,
          container: container.id,
          tty: body.Tty ?? false,
          cmd: body.Cmd,
          exitCode: null,
        });
        return { Id: id };
      },
      async execStartDetached(id) {
        if (!engine.execs.has(id)) throw notFound(`No such exec instance: ${id}`);
      },
      async execStart(id) {
        const exec = engine.execs.get(id);
        if (exec === undefined) throw notFound(`No such exec instance: ${id}`);
        if (exec.cmd[0] === 'fail') {
          return {
            tty: exec.tty,
            run: async () => {
              throw new Error('exec: "fail": executable file not found in $PATH');
            },
          };
        }
        if (exec.cmd[0] === 'cat') {
          return engine.echo(exec.tty, () => {
            exec.exitCode = 3;
          });
        }
        return {
          tty: exec.tty,
          run: async ({ stdout, stderr }) => {
            // as a process does: python3-docker loses what comes together with the headers
            await sleep(20);
            stdout?.write(`${exec.cmd.join(' ')}\n`);
            stderr?.write('to stderr\n');
            exec.exitCode = 3;
          },
        };
      },
      execResize: async () => {},
      async execInspect(id) {
        const exec = engine.execs.get(id);
        if (exec === undefined) throw notFound(`No such exec instance: ${id}`);
        return {
          ID: id,
          Running: exec.exitCode === null,
          ExitCode: exec.exitCode,
          ProcessConfig: {
            tty: exec.tty,
            entrypoint: exec.cmd[0]!,
            arguments: exec.cmd.slice(1),
            privileged: false,
          },
          OpenStdin: true,
          OpenStderr: true,
          OpenStdout: true,
          CanRemove: false,
          ContainerID: exec.container,
          DetachKeys: '',
          Pid: 1,
        };
      },
    },
    images: {
      async list() {
        return [
          {
            Id: IMAGE_ID,
            ParentId: '',
            RepoTags: ['web:latest'],
            RepoDigests: [],
            Created: 1_795_000_000,
            Size: 1234,
            SharedSize: -1,
            Containers: 2,
            Labels: null,
          },
          {
            Id: IMAGE_ID.replace('ab', 'cd'),
            ParentId: '',
            RepoTags: [],
            RepoDigests: [],
            Created: 1_795_000_000,
            Size: 99,
            SharedSize: -1,
            Containers: 0,
            Labels: null,
          },
        ];
      },
      async inspect(ref) {
        if (ref.includes('nosuch')) throw notFound(`No such image: ${ref}`);
        return imageInspect(ref);
      },
      async history() {
        return [
          { Id: IMAGE_ID, Created: 1, CreatedBy: 'import', Tags: ['web:latest'], Size: 1234, Comment: '' },
        ];
      },
      tag: async () => {},
      async remove(ref) {
        if (ref.includes('nosuch')) throw notFound(`No such image: ${ref}`);
        return [{ Untagged: ref }, { Deleted: IMAGE_ID }];
      },
      prune: async () => ({ ImagesDeleted: null, SpaceReclaimed: 0 }),
      async pull({ name, tag }, auth, progress) {
        if (name === 'denied' && auth?.username !== 'me') {
          throw new BridgeportError('unauthorized', 'pull access denied for denied');
        }
        progress({ status: `Pulling from ${name}`, id: tag });
        progress({
          status: 'Downloading',
          id: 'layer1',
          progressDetail: { current: 1, total: 2 },
          progress: '[=>]',
        });
        if (name === 'broken') throw new BridgeportError('internal', 'unexpected EOF from the registry');
        progress({ status: `Status: Downloaded newer image for ${name}:${tag}` });
      },
      async load(stream, _quiet, progress) {
        progress({ stream: `Loaded image: fake of ${await drain(stream)} bytes\n` });
      },
      async save() {
        return Readable.from([tar()]);
      },
      async import(stream, { repository, tag }, progress) {
        engine.uploads.push({ path: `${repository}:${tag}`, bytes: await drain(stream) });
        progress({ status: IMAGE_ID });
      },
    },
    networks: {
      list: async () => [network],
      async inspect(ref) {
        if (ref !== 'bridge') throw notFound(`network ${ref} not found`);
        return network;
      },
      create: async () => ({ Id: 'ef'.repeat(32), Warning: '' }),
      remove: async () => {
        throw notImplemented('removing networks');
      },
      connect: async () => {},
      disconnect: async () => {},
      prune: async () => ({ NetworksDeleted: null }),
    },
    volumes: {
      list: async () => ({ Volumes: [...engine.volumes.values()], Warnings: null }),
      async inspect(name) {
        const volume = engine.volumes.get(name);
        if (volume === undefined) throw notFound(`get ${name}: no such volume`);
        return volume;
      },
      async create(body) {
        const volume: Volume = {
          Name: body.Name ?? 'anonymous',
          Driver: 'local',
          Mountpoint: '/x',
          Labels: null,
          Scope: 'local',
          Options: null,
        };
        engine.volumes.set(volume.Name, volume);
        return volume;
      },
      async remove(name) {
        if (!engine.volumes.delete(name)) throw notFound(`get ${name}: no such volume`);
      },
      prune: async () => ({ VolumesDeleted: null, SpaceReclaimed: 0 }),
    },
    system: {
      version: async () => ({
        Platform: { Name: 'Bridgeport' },
        Components: [{ Name: 'Engine', Version: '0.1.0', Details: { ApiVersion: '1.51' } }],
        Version: '0.1.0',
        ApiVersion: '1.51',
        MinAPIVersion: '1.24',
        GitCommit: '',
        GoVersion: '',
        Os: 'linux',
        Arch: 'amd64',
        KernelVersion: '6',
        BuildTime: '',
      }),
      info: async () => ({
        ID: 'fake',
        Name: 'fakehost',
        Containers: engine.containers.size,
        ServerVersion: '0.1.0',
        Driver: 'overlayfs',
        FirewallBackend: { Driver: 'iptables' },
        RuncCommit: { ID: 'abc' },
      }),
      auth: async () => ({ Status: 'Login Succeeded', IdentityToken: '' }),
      diskUsage: async (types) => ({
        LayersSize: 0,
        Images: [],
        Containers: [],
        Volumes: [],
        BuildCache: [],
        Asked: types,
      }),
      async *events({ until, signal }) {
        yield EVENT;
        yield { ...EVENT, Type: 'image', Action: 'create', Actor: { ID: IMAGE_ID, Attributes: {} } };
        if (until !== undefined) return;
        while (!signal.aborted) await sleep(10, undefined, { signal }).catch(() => {});
      },
    },
    observe: { map: async () => ({ nodes: [] }) },
  };
  return recorded(backend, engine);
}

/** Writes down every call before it is made. */
function recorded(backend: Backend, engine: FakeEngine): Backend {
  for (const [area, methods] of Object.entries(backend)) {
    for (const [name, method] of Object.entries(methods as Record<string, (...args: unknown[]) => unknown>)) {
      (methods as Record<string, unknown>)[name] = (...args: unknown[]) => {
        engine.calls.push({ name: `${area}.${name}`, args });
        return method.apply(methods, args);
      };
    }
  }
  return backend;
}
