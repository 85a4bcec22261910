/** Small images made of this machine's own programs, as an archive for `docker load`. Nothing is downloaded. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

export type ImageName = 'busybox' | 'web' | 'ubuntu' | 'centos:7' | 'nginx';

export interface Entry {
  name: string;
  type?: 'file' | 'directory' | 'symlink';
  linkname?: string;
  mode?: number;
  content?: string | Buffer;
}

interface Recipe {
  layers: ReadonlyArray<() => Entry[]>;
  config: Record<string, unknown>;
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The page that web servers of these images answer begins with this word; the host's name follows. */
export const PAGE = 'hello';

const RECIPES: Record<ImageName, Recipe> = {
  busybox: { layers: [busybox], config: { Cmd: ['sh'] } },
  web: {
    layers: [busybox],
    config: {
      // Process 1 gets no signal that it does not wait for; a stop shall not take ten seconds.
      Cmd: [
        'sh',
        '-c',
        `mkdir -p /www; echo "${PAGE} from $(hostname)" >/www/index.html; trap 'exit 0' TERM; httpd -f -p 80 -h /www & wait`,
      ],
      ExposedPorts: { '80/tcp': {} },
    },
  },
  ubuntu: { layers: [busybox, gnu], config: { Cmd: ['bash'] } },
  'centos:7': { layers: [busybox, gnu], config: { Cmd: ['/bin/bash'] } },
  nginx: {
    layers: [busybox, gnu, nginx],
    config: {
      Entrypoint: ['/docker-entrypoint.sh'],
      Cmd: ['nginx', '-g', 'daemon off;'],
      ExposedPorts: { '80/tcp': {} },
      StopSignal: 'SIGQUIT',
    },
  },
};

/** @returns an archive of these images, all with the tag `latest` unless they name one */
export async function buildImages(names: readonly ImageName[]): Promise<Buffer> {
  const layers = new Map<() => Entry[], { digest: string; blob: Buffer }>();
  const files = new Map<string, Buffer>();
  const manifest: unknown[] = [];
  for (const name of names) {
    const recipe = RECIPES[name];
    for (const make of recipe.layers) {
      if (layers.has(make)) continue;
      const blob = await tar(make());
      const digest = sha256(blob);
      layers.set(make, { digest, blob });
      files.set(`${digest}/layer.tar`, blob);
    }
    const digests = recipe.layers.map((make) => layers.get(make)?.digest ?? '');
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
        os: 'linux',
        created: '2024-01-01T00:00:00Z',
        config: { Env: [PATH], ...recipe.config },
        rootfs: { type: 'layers', diff_ids: digests.map((digest) => `sha256:${digest}`) },
        history: digests.map(() => ({ created: '2024-01-01T00:00:00Z', created_by: `made for ${name}` })),
      }),
    );
    const file = `${sha256(config)}.json`;
    files.set(file, config);
    manifest.push({
      Config: file,
      RepoTags: [name.includes(':') ? name : `${name}:latest`],
      Layers: digests.map((digest) => `${digest}/layer.tar`),
    });
  }
  files.set('manifest.json', Buffer.from(JSON.stringify(manifest)));
  return tar([...files].map(([name, content]) => ({ name, content })));
}

/** A tar of these entries, in their order. */
export function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, type = 'file', linkname, mode, content } of entries) {
    const header = { name, type, mode: mode ?? (type === 'directory' ? 0o755 : 0o644), mtime: new Date(0) };
    archive.entry(linkname === undefined ? header : { ...header, linkname }, content ?? '');
  }
  archive.finalize();
  return buffer(archive);
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

const directory = (name: string, mode = 0o755): Entry => ({ name: `${name}/`, type: 'directory', mode });
const symlink = (name: string, linkname: string): Entry => ({ name, type: 'symlink', linkname });

/** The layer that all begin with: one static program under 300 names. */
function busybox(): Entry[] {
  const program = [
    join(import.meta.dirname, '../../.cache/busybox-static/bin/busybox'),
    '/usr/bin/busybox',
    '/bin/busybox',
  ].find(existsSync);
  if (program === undefined) throw new Error('busybox-static is not installed: run scripts/setup test');
  const applets = execFileSync(program, ['--list'], { encoding: 'utf8' }).split('\n');
  return [
    ...['bin', 'dev', 'etc', 'proc', 'root', 'run', 'sys', 'usr', 'usr/bin', 'usr/sbin', 'var'].map((name) =>
      directory(name),
    ),
    directory('tmp', 0o1777),
    symlink('sbin', 'bin'),
    { name: 'bin/busybox', mode: 0o755, content: readFileSync(program) },
    ...applets
      .filter((name) => name !== '' && name !== 'busybox')
      .map((name) => symlink(`bin/${name}`, 'busybox')),
    { name: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' },
    { name: 'etc/group', content: 'root:x:0:\nnogroup:x:65534:\n' },
  ];
}

/** bash and curl, which the people in the documents type into. */
function gnu(): Entry[] {
  return [...withLibraries(['/bin/bash', '/usr/bin/curl'])];
}

function nginx(): Entry[] {
  const program = '/usr/sbin/nginx';
  if (!existsSync(program)) throw new Error(`${program} is missing: run scripts/setup test`);
  return [
    ...[
      'etc/nginx',
      'usr/share',
      'usr/share/nginx',
      'usr/share/nginx/html',
      'var/log',
      'var/log/nginx',
      'var/lib',
      'var/lib/nginx',
    ].map((name) => directory(name)),
    ...withLibraries([program]),
    {
      name: 'docker-entrypoint.sh',
      mode: 0o755,
      content: `#!/bin/sh\necho "${PAGE} from $(hostname)" >/usr/share/nginx/html/index.html\nexec "$@"\n`,
    },
    {
      name: 'etc/nginx/nginx.conf',
      content: `user root; pid /run/nginx.pid; error_log stderr notice; worker_processes 1;
events { worker_connections 4096; }
http { access_log /dev/stdout; server { listen 80; root /usr/share/nginx/html; } }
`,
    },
  ];
}

/** Programs of this machine with the libraries that ldd(1) names, at their own paths. */
function withLibraries(programs: readonly string[]): Entry[] {
  const paths = new Set(programs);
  for (const program of programs) {
    const lines = execFileSync('ldd', [program], { encoding: 'utf8' }).split('\n');
    for (const line of lines) {
      const path = /(\/\S+) \(0x/.exec(line)?.[1];
      if (path !== undefined) paths.add(path);
    }
  }
  const folders = new Set<string>();
  for (const path of paths) {
    const parts = path.slice(1).split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++) folders.add(parts.slice(0, depth).join('/'));
  }
  return [
    ...[...folders]
      .filter((name) => !['bin', 'usr', 'usr/bin', 'usr/sbin'].includes(name))
      .map((name) => directory(name)),
    ...[...paths].map((path) => ({
      name: path.slice(1),
      mode: 0o755,
      content: readFileSync(realpathSync(path)),
    })),
  ];
}
