/** What the root tests of this folder stand on: a containerd of their own, an image service on it, and archives. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Header, pack } from 'tar-stream';
import { runAll } from '../../base/errors.ts';
import type { ProgressMessage } from '../../base/wire/index.ts';
import { type Containerd, connectContainerd } from '../../runtime/containerd/client.ts';
import { ManagedContainerd } from '../../runtime/containerd/managed.ts';
import { RegistryClient } from '../../runtime/registry/client.ts';
import type { ImageUser } from './image.ts';
import { ImageService, type ImageServiceOptions } from './service.ts';

export interface TestHost {
  readonly directory: string;
  readonly client: Containerd;
  readonly images: ImageService;
  /** `action id name`, in order */
  readonly events: string[];
  /** what `usedBy` answers, by image ID */
  readonly users: Map<string, ImageUser[]>;
  destroy(): Promise<void>;
}

/** Time stamp of everything in test archives, so that their digests are the same at every run. */
const MTIME = new Date(0);

export async function makeHost(overrides: Partial<ImageServiceOptions> = {}): Promise<TestHost> {
  const name = `bpimages${randomBytes(3).toString('hex')}`;
  const directory = await mkdtemp(join(tmpdir(), `${name}-`));
  const managed = await ManagedContainerd.start({
    root: join(directory, 'root'),
    state: join(directory, 'state'),
  }).catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true });
    throw error;
  });
  const client = connectContainerd({ address: managed.socket, namespace: name });
  const registry = new RegistryClient({ insecureRegistries: [], mirrors: [], retry: { delayMs: 20 } });
  const events: string[] = [];
  const users = new Map<string, ImageUser[]>();
  const images = new ImageService({
    containerd: client,
    registry,
    snapshotter: 'overlayfs',
    emit: (action, id, attributes) => events.push(`${action} ${id} ${attributes.name}`),
    usedBy: (id) => users.get(id) ?? [],
    log: { warn: () => undefined },
    ...overrides,
  });
  const destroy = () =>
    runAll(`destroy ${name}`, [
      () => registry.close(),
      () => client.close(),
      () => managed.stop(),
      () => rm(directory, { recursive: true, force: true }),
    ]);
  return { directory, client, images, events, users, destroy };
}

export type Member = Partial<Header> & { name: string; content?: string | Buffer };

/** A tar with these members, regular files unless they say otherwise. */
export async function tarOf(members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of members) {
    tar.entry({ mode: 0o644, mtime: MTIME, ...header }, content ?? '');
  }
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** A root file system with busybox and the files given by path. */
export async function busyboxTar(files: Readonly<Record<string, string>> = {}): Promise<Buffer> {
  return tarOf([
    { name: 'bin/', type: 'directory', mode: 0o755 },
    { name: 'bin/busybox', mode: 0o755, content: await readFile('/bin/busybox') },
    { name: 'bin/sh', type: 'symlink', linkname: 'busybox' },
    ...Object.entries(files).map(([name, content]) => ({ name, content })),
  ]);
}

/** Collects progress messages. */
export function recorder() {
  const messages: ProgressMessage[] = [];
  return {
    messages,
    progress: (message: ProgressMessage) => void messages.push(message),
    /** the `stream` texts, joined */
    text: () => messages.map((message) => message.stream ?? '').join(''),
  };
}

export const never = (): AbortSignal => new AbortController().signal;

/** Imports a tar under a name and returns the image ID. */
export async function importTar(
  host: TestHost,
  tar: Buffer,
  repository: string,
  options: { tag?: string; changes?: string[]; message?: string; platform?: string } = {},
): Promise<string> {
  const { messages, progress } = recorder();
  const { tag = '', changes = [], message = '', platform } = options;
  await host.images.import(
    Readable.from([tar]),
    { repository, tag, message, changes, platform },
    progress,
    never(),
  );
  return messages.at(-1)!.status!;
}
