/** What the tests of pulling stand on: a real registry on loopback, images pushed by plain HTTP, a proxy that misbehaves. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, createPrivateKey, randomBytes, sign, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Descriptor, ImageManifest } from './descriptor.ts';
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST } from './media-types.ts';
import type { Platform } from './platform.ts';

export const USER = 'alice';
export const PASSWORD = 's3cret';
/** bcrypt of PASSWORD; the registry takes no other algorithm. */
const HTPASSWD = `${USER}:$2b$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG\n`;

export interface TestRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** directory of the storage */
  readonly directory: string;
  /** What pushing needs: `Authorization` for a path's scope. */
  authorize: (repository: string) => Record<string, string>;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Debian's `docker-registry` with its files in a directory of its own. */
export async function startRegistry(
  auth: 'none' | 'basic' | { tokenServer: TokenServer } = 'none',
): Promise<TestRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'bpregistry-'));
  const host = `127.0.0.1:${await freePort()}`;
  await writeFile(join(directory, 'htpasswd'), HTPASSWD);
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, 'data') } },
    http: { addr: host, secret: randomBytes(8).toString('hex') },
    ...(auth === 'none' ? {} : { auth: authSection(auth, directory) }),
  };
  // JSON is YAML.
  await writeFile(join(directory, 'config.yml'), JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', join(directory, 'config.yml')], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' },
  });
  const stop = async () => {
    await endChild(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await waitForHttp(`http://${host}/v2/`, child);
  } catch (error) {
    await stop();
    throw error;
  }
  const authorize = (repository: string): Record<string, string> => {
    if (auth === 'none') return {};
    if (auth === 'basic') return { authorization: basic(USER, PASSWORD) };
    return { authorization: `Bearer ${auth.tokenServer.issue([`repository:${repository}:pull,push`])}` };
  };
  return { host, directory, authorize, stop };
}

export const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

function authSection(auth: 'basic' | { tokenServer: TokenServer }, directory: string): object {
  if (auth === 'basic') return { htpasswd: { realm: 'test', path: join(directory, 'htpasswd') } };
  const { realm, service, issuer, certificatePath } = auth.tokenServer;
  return { token: { realm, service, issuer, rootcertbundle: certificatePath } };
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

async function waitForHttp(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`docker-registry exited with status ${child.exitCode}`);
    const answer = await fetch(url).catch(() => undefined);
    if (answer !== undefined) return;
    await sleep(25);
  }
  throw new Error(`${url} does not answer`);
}

// ---- pushing -------------------------------------------------------------------------------------------------

export interface TestImage {
  platform?: Platform;
  /** plain tars, lowest first; they are pushed gzip compressed */
  layers: Buffer[];
  /** the members of the config's `config` */
  config?: object;
}

const digestOf = (data: Buffer) => `sha256:${createHash('sha256').update(data).digest('hex')}`;

/** Pushes the blobs and the manifest of an image; returns its descriptor. */
export async function pushImage(
  registry: TestRegistry,
  repository: string,
  tag: string | undefined,
  image: TestImage,
): Promise<{ manifest: Descriptor; document: ImageManifest; imageId: string }> {
  const platform = image.platform ?? {
    os: 'linux',
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
  };
  const layers: Descriptor[] = [];
  for (const tar of image.layers) {
    layers.push(await pushBlob(registry, repository, gzipSync(tar), OCI_LAYER_GZIP));
  }
  const config = Buffer.from(
    JSON.stringify({
      ...platform,
      created: '2020-01-01T00:00:00Z',
      config: image.config ?? {},
      rootfs: { type: 'layers', diff_ids: image.layers.map(digestOf) },
      history: image.layers.map(() => ({ created: '2020-01-01T00:00:00Z', created_by: 'test' })),
    }),
  );
  const document: ImageManifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: await pushBlob(registry, repository, config, OCI_CONFIG),
    layers,
  };
  const manifest = await pushManifest(registry, repository, tag, document, OCI_MANIFEST);
  return { manifest, document, imageId: document.config.digest };
}

/** Pushes an index of images that are there already. */
export async function pushIndex(
  registry: TestRegistry,
  repository: string,
  tag: string,
  entries: ReadonlyArray<{ manifest: Descriptor; platform: Platform }>,
): Promise<Descriptor> {
  const manifests = entries.map(({ manifest, platform }) => ({ ...manifest, platform }));
  return pushManifest(
    registry,
    repository,
    tag,
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests },
    OCI_INDEX,
  );
}

export async function pushManifest(
  registry: TestRegistry,
  repository: string,
  tag: string | undefined,
  document: object,
  mediaType: string,
): Promise<Descriptor> {
  const data = Buffer.from(JSON.stringify(document));
  const digest = digestOf(data);
  const answer = await fetch(`http://${registry.host}/v2/${repository}/manifests/${tag ?? digest}`, {
    method: 'PUT',
    headers: { 'content-type': mediaType, ...registry.authorize(repository) },
    body: data,
  });
  if (answer.status !== 201) throw new Error(`push manifest: ${answer.status} ${await answer.text()}`);
  return { mediaType, digest, size: data.length };
}

export async function pushBlob(
  registry: TestRegistry,
  repository: string,
  data: Buffer,
  mediaType: string,
): Promise<Descriptor> {
  const digest = digestOf(data);
  const headers = registry.authorize(repository);
  const begun = await fetch(`http://${registry.host}/v2/${repository}/blobs/uploads/`, {
    method: 'POST',
    headers,
  });
  const location = begun.headers.get('location');
  if (begun.status !== 202 || location === null) {
    throw new Error(`push blob: ${begun.status} ${await begun.text()}`);
  }
  const url = new URL(location, `http://${registry.host}`);
  url.searchParams.set('digest', digest);
  const answer = await fetch(url, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', ...headers },
    body: new Uint8Array(data),
  });
  if (answer.status !== 201) throw new Error(`push blob: ${answer.status} ${await answer.text()}`);
  return { mediaType, digest, size: data.length };
}

// ---- a token server ------------------------------------------------------------------------------------------

export interface TokenRequest {
  method: string;
  /** the parameters of the query or the form */
  parameters: URLSearchParams;
  authorization: string | undefined;
}

/** Gives bearer tokens as https://distribution.github.io/distribution/spec/auth/token/ has them. */
export class TokenServer {
  readonly service = 'test-registry';
  readonly issuer = 'test-issuer';
  readonly refreshToken = 'refresh-me';
  readonly requests: TokenRequest[] = [];
  /** when set, nobody but USER gets a token */
  private_ = true;
  readonly realm: string;
  readonly certificatePath: string;
  readonly #directory: string;
  readonly #server: http.Server;
  #key = '';
  #certificate = '';

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.realm = `http://127.0.0.1:${port}/token`;
    this.certificatePath = join(directory, 'cert.pem');
    this.#server = http.createServer((request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<TokenServer> {
    const directory = await mkdtemp(join(tmpdir(), 'bptoken-'));
    const port = await freePort();
    const server = new TokenServer(directory, port);
    const keyPath = join(directory, 'key.pem');
    execFileSync(
      'openssl',
      // biome-ignore format: one option and its value per line
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=test', '-days', '2',
       '-keyout', keyPath, '-out', server.certificatePath],
      { stdio: 'ignore' },
    );
    server.#key = await readFile(keyPath, 'utf8');
    server.#certificate = await readFile(server.certificatePath, 'utf8');
    await new Promise<void>((resolve) => server.#server.listen(port, '127.0.0.1', resolve));
    return server;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** A signed token for scopes like `repository:a/b:pull`. */
  issue(scopes: readonly string[]): string {
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.map((scope) => {
      const [type, name, actions] = scope.split(':') as [string, string, string];
      return { type, name, actions: actions.split(',') };
    });
    const header = {
      typ: 'JWT',
      alg: 'RS256',
      x5c: [new X509Certificate(this.#certificate).raw.toString('base64')],
    };
    const claims = {
      iss: this.issuer,
      sub: USER,
      aud: this.service,
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: randomBytes(8).toString('hex'),
      access,
    };
    const text = [header, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(text), createPrivateKey(this.#key));
    return `${text}.${signature.toString('base64url')}`;
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request) body += piece;
    const parameters =
      request.method === 'POST' ? new URLSearchParams(body) : new URL(request.url!, this.realm).searchParams;
    const { authorization } = request.headers;
    this.requests.push({ method: request.method!, parameters, authorization });
    const known =
      authorization === basic(USER, PASSWORD) || parameters.get('refresh_token') === this.refreshToken;
    if (!known && (this.private_ || authorization !== undefined || parameters.has('refresh_token'))) {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }),
      );
      return;
    }
    const token = this.issue(parameters.getAll('scope').filter((scope) => scope !== ''));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(request.method === 'POST' ? { access_token: token } : { token, expires_in: 300 }),
    );
  }
}

// ---- a proxy that misbehaves ---------------------------------------------------------------------------------

/** What the proxy does with one request; undefined: passes it on. */
export type Mischief =
  /** pass on, but cut the connection after so many bytes of the body */
  | { cutAfter: number }
  /** pass on so many bytes of the body, then say nothing more */
  | { stallAfter: number }
  /** pass on with the first byte of the body changed */
  | 'corrupt'
  /** pass on without the Range header, so that the whole blob comes */
  | 'no-range'
  | { redirect: string }
  | { status: number; body?: string; headers?: Record<string, string> }
  /** wait before passing on, milliseconds */
  | { delay: number }
  | undefined;

export interface ProxyRequest {
  path: string;
  headers: http.IncomingHttpHeaders;
}

export class BadProxy {
  readonly requests: ProxyRequest[] = [];
  /** Asked for each request, with how often the path was asked for before. */
  mischief: (request: ProxyRequest, earlier: number) => Mischief = () => undefined;
  readonly host: string;
  readonly #target: string;
  readonly #server: http.Server;

  private constructor(target: string, port: number) {
    this.#target = target;
    this.host = `127.0.0.1:${port}`;
    this.#server = http.createServer((request, response) => void this.#answer(request, response));
  }

  /** `target`: `host:port` of the real server */
  static async start(target: string): Promise<BadProxy> {
    const port = await freePort();
    const proxy = new BadProxy(target, port);
    await new Promise<void>((resolve) => proxy.#server.listen(port, '127.0.0.1', resolve));
    return proxy;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const path = request.url!;
    const earlier = this.requests.filter((other) => other.path === path).length;
    const seen = { path, headers: request.headers };
    this.requests.push(seen);
    const mischief = this.mischief(seen, earlier);
    if (typeof mischief === 'object' && 'redirect' in mischief) {
      response.writeHead(307, { location: mischief.redirect }).end();
      return;
    }
    if (typeof mischief === 'object' && 'status' in mischief) {
      response.writeHead(mischief.status, mischief.headers).end(mischief.body);
      return;
    }
    if (typeof mischief === 'object' && 'delay' in mischief) await sleep(mischief.delay);
    const headers = { ...request.headers, host: this.#target };
    if (mischief === 'no-range') delete headers.range;
    const forward = http.request(`http://${this.#target}${path}`, { method: request.method!, headers });
    forward.on('error', () => response.destroy());
    forward.on('response', (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      let sent = 0;
      response.once('close', () => answer.destroy());
      answer.on('data', (piece: Buffer) => {
        if (mischief === 'corrupt' && sent === 0) piece[0] = piece[0]! ^ 0xff;
        sent += piece.length;
        if (typeof mischief === 'object' && 'cutAfter' in mischief && sent > mischief.cutAfter) {
          response.write(piece.subarray(0, piece.length - (sent - mischief.cutAfter)), () =>
            response.destroy(),
          );
          answer.destroy();
          return;
        }
        if (typeof mischief === 'object' && 'stallAfter' in mischief && sent > mischief.stallAfter) {
          if (piece.length > sent - mischief.stallAfter) {
            response.write(piece.subarray(0, piece.length - (sent - mischief.stallAfter)));
          }
          return;
        }
        response.write(piece);
      });
      answer.on('end', () => {
        if (typeof mischief !== 'object' || !('stallAfter' in mischief)) response.end();
      });
    });
    forward.end();
  }
}
