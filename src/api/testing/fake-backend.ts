/** An engine of paper for the API's own tests, behind the real interface. */

import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { BridgeportError, conflict, invalid, notFound, notImplemented } from '../../base/errors.ts';
import type { ContainerStats, Volume } from '../../base/wire/index.ts';
import type { Backend, LogRecord } from '../backend.ts';
import type { FakeEngine } from './fake-engine.ts';
import {
  drain,
  EVENT,
  IMAGE_ID,
  imageInspect,
  images,
  inspectOf,
  network,
  STARTED,
  STAT,
  sample,
  summaryOf,
  version,
} from './fake-shapes.ts';

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
      list: async () => images,
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
    build: {
      commit: async () => IMAGE_ID,
      async build(context, _options, progress) {
        const text = (await buffer(context)).toString();
        progress({ stream: `Step 1/1 : ${text}\n` });
        if (text === 'fails') progress({ errorDetail: { code: 3, message: 'code 3' }, error: 'code 3' });
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
      version: async () => version,
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
    ports: {
      add: async (ref, bindings) => ({ Ports: engine.find(ref) && bindings, Changed: bindings }),
      remove: async (ref, bindings) => ({ Ports: engine.find(ref) && {}, Changed: bindings }),
    },
    observe: {
      ports: async () => ({ localPorts: { start: 1, end: 2 }, targets: [] }),
      map: async () => ({ nodes: [] }),
      exposure: async () => [],
      rules: async (language) => ({ language, hooks: [], missing: [], unread: [] }),
      why: async ({ from, to, language }) => ({
        language,
        from: { kind: 'container', asked: from },
        to: { kind: 'container', asked: to },
        protocol: 'tcp',
        answer: 'yes',
        headline: 'Yes.',
        remarks: [],
        legs: [],
      }),
      traffic: async () => ({ time: 0, links: [] }),
      metrics: async () => '# TYPE up gauge\nup 1\n',
      async *flows() {},
      async *capture() {},
      doctor: async (language) => ({ host: 'box', language, checks: [], findings: [] }),
    },
    page: {
      open: async () => ({
        url: 'http://127.0.0.1:1/bridgeport/ui#token=x',
        stays: true,
        async release() {},
      }),
    },
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
