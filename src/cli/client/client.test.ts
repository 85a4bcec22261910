import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { ApiClient, olderThan } from './client.ts';
import { demultiplex } from './demultiplex.ts';
import { loadDockerConfig, registryAuth } from './docker-config.ts';
import { resolveEndpoint } from './endpoint.ts';
import { ConnectionError, DaemonError } from './errors.ts';
import { jsonLines } from './json-lines.ts';

/** A server on a socket of its own, closed after the test, and a client of it. */
async function serve(
  context: TestContext,
  handler: (request: http.IncomingMessage, response: http.ServerResponse) => void,
): Promise<{ client: ApiClient; server: http.Server }> {
  const directory = mkdtempSync(join(tmpdir(), 'bridgeport-cli-client-'));
  const socketPath = join(directory, 'api.sock');
  const server = http.createServer(handler);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const client = new ApiClient({ url: `unix://${socketPath}`, socketPath });
  context.after(() => {
    client.close();
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return { client, server };
}

test('`ApiClient` speaks the older of the two versions', async (context) => {
  const seen: string[] = [];
  const { client } = await serve(context, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.setHeader('Api-Version', '1.41');
    response.end('{}');
  });
  await client.json('GET', '/containers/json', {
    query: { all: true, size: false, empty: '', names: ['a', 'b'], filters: { x: { y: true } } },
  });
  await client.text('GET', '/bridgeport/map', { versioned: false });
  assert.deepEqual(seen, [
    'HEAD /_ping',
    'GET /v1.41/containers/json?all=1&names=a&names=b&filters=%7B%22x%22%3A%7B%22y%22%3Atrue%7D%7D',
    'GET /bridgeport/map',
  ]);
});

test('`ApiClient` does not speak a version newer than its own', async (context) => {
  const { client } = await serve(context, (_request, response) => {
    response.setHeader('Api-Version', '1.99');
    response.end();
  });
  assert.equal(await client.version(), '1.51');
});

test('`ApiClient` throws the daemon’s message with the kind of its status', async (context) => {
  const { client } = await serve(context, (request, response) => {
    response.statusCode = request.url?.includes('text') ? 502 : 404;
    response.end(request.url?.includes('text') ? 'bad gateway\n' : '{"message":"No such container: x"}');
  });
  const { client: other } = await serve(context, (_request, response) => response.end());
  await other.text('GET', '/');
  const pinned = new ApiClient(client.endpoint, { version: '1.41' });
  await assert.rejects(pinned.text('GET', '/containers/x'), (error: DaemonError) => {
    assert.ok(error instanceof DaemonError);
    assert.equal(error.message, 'Error response from daemon: No such container: x');
    assert.deepEqual([error.kind, error.status], ['not-found', 404]);
    return true;
  });
  await assert.rejects(pinned.text('GET', '/text'), { message: 'Error response from daemon: bad gateway' });
  pinned.close();
});

test('`ApiClient` says that nobody answers', async () => {
  const client = new ApiClient({ url: 'unix:///nonexistent.sock', socketPath: '/nonexistent.sock' });
  await assert.rejects(client.text('GET', '/info'), (error: ConnectionError) => {
    assert.ok(error instanceof ConnectionError);
    assert.equal(
      error.message,
      'Cannot connect to the Bridgeport daemon at unix:///nonexistent.sock. Is the bridgeport daemon running?',
    );
    return true;
  });
});

test('`ApiClient.hijack()` gives a stream whose input can be ended', async (context) => {
  const { client, server } = await serve(context, (_request, response) => response.end());
  server.on('upgrade', (request, socket) => {
    assert.equal(request.headers.upgrade, 'tcp');
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello ');
    let input = '';
    socket.on('data', (chunk: Buffer) => {
      input += chunk;
    });
    socket.on('end', () => socket.end(`got ${input}`));
  });
  const stream = await client.hijack('POST', '/containers/x/attach');
  stream.end('my input');
  assert.equal(
    await new Response(Readable.toWeb(stream as unknown as Readable) as ReadableStream).text(),
    'hello got my input',
  );
});

test('`ApiClient.hijack()` throws when the daemon refuses', async (context) => {
  const { client } = await serve(context, (request, response) => {
    if (request.method === 'POST') response.statusCode = 409;
    response.end('{"message":"container is not running"}');
  });
  await assert.rejects(client.hijack('POST', '/containers/x/attach'), {
    message: 'Error response from daemon: container is not running',
  });
});

test('`jsonLines()` reads values that are split between chunks', async (context) => {
  const { client } = await serve(context, (_request, response) => {
    response.write('{"a":1}\r\n{"a"');
    setImmediate(() => response.end(':2}\n\n{"a":3}'));
  });
  const values = [];
  for await (const value of jsonLines(await client.request('GET', '/events'))) values.push(value);
  assert.deepEqual(values, [{ a: 1 }, { a: 2 }, { a: 3 }]);
});

function collect(): { stream: Writable; text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

function frame(id: number, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = id;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

test('`demultiplex()` splits streams however the bytes are cut', async () => {
  const bytes = Buffer.concat([
    frame(1, 'out one\n'),
    frame(2, 'error\n'),
    frame(1, ''),
    frame(1, 'out two\n'),
  ]);
  for (const size of [1, 3, 7, 8, 9, bytes.length]) {
    const out = collect();
    const err = collect();
    async function* source() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    await demultiplex(source(), out.stream, err.stream);
    assert.equal(out.text(), 'out one\nout two\n');
    assert.equal(err.text(), 'error\n');
  }
});

test('`demultiplex()` throws what the daemon reports in the stream, and what is no frame', async () => {
  async function* of(...chunks: Buffer[]) {
    yield* chunks;
  }
  await assert.rejects(demultiplex(of(frame(3, 'disk full')), undefined, undefined), {
    message: 'error from daemon in stream: disk full',
  });
  await assert.rejects(demultiplex(of(Buffer.from('plain text')), undefined, undefined), {
    message: 'unrecognized stream: 112',
  });
});

const none = { host: '', tls: false, tlsVerify: false, caCert: '', cert: '', key: '' };

test('`resolveEndpoint()` prefers the flag, then our variable, then Docker’s', () => {
  const env = { DOCKER_HOST: 'unix:///d.sock', BRIDGEPORT_HOST: 'unix:///b.sock' };
  assert.equal(resolveEndpoint({ ...none, host: 'unix:///f.sock' }, env).socketPath, '/f.sock');
  assert.equal(resolveEndpoint(none, env).socketPath, '/b.sock');
  assert.equal(resolveEndpoint(none, { DOCKER_HOST: 'unix:///d.sock' }).socketPath, '/d.sock');
  assert.equal(resolveEndpoint(none, {}).socketPath, '/run/bridgeport.sock');
});

test('`resolveEndpoint()` reads tcp addresses', () => {
  const at = (host: string) => {
    const { host: name, port } = resolveEndpoint({ ...none, host }, {});
    return [name, port];
  };
  assert.deepEqual(at('tcp://127.0.0.1:1234'), ['127.0.0.1', 1234]);
  assert.deepEqual(at('tcp://[::1]:1234'), ['::1', 1234]);
  assert.deepEqual(at('tcp://example'), ['example', 2375]);
  assert.deepEqual(at('example:99'), ['example', 99]);
  assert.equal(resolveEndpoint({ ...none, host: 'tcp://x', tls: true }, {}).port, 2376);
  assert.throws(() => at('ssh://x'), /only unix:\/\/ and tcp:\/\/ are supported/);
  assert.throws(() => at('tcp://a:b'), { message: 'invalid bind address format: tcp://a:b' });
});

test('`olderThan()` compares numbers, not text', () => {
  assert.ok(olderThan('1.9', '1.41'));
  assert.ok(!olderThan('1.41', '1.41'));
  assert.ok(olderThan('1.51', '2.0'));
});

test('`registryAuth()` finds the credentials of a reference’s registry', () => {
  const auth = Buffer.from('me:pass:word').toString('base64');
  const config = {
    auths: { 'https://index.docker.io/v1/': { auth }, 'localhost:5000': { username: 'u', password: 'p' } },
  };
  const decoded = (reference: string) =>
    JSON.parse(Buffer.from(registryAuth(config, reference), 'base64url').toString());
  assert.deepEqual(decoded('nginx'), {
    username: 'me',
    password: 'pass:word',
    serveraddress: 'https://index.docker.io/v1/',
  });
  assert.deepEqual(decoded('localhost:5000/a/b:1'), {
    username: 'u',
    password: 'p',
    serveraddress: 'localhost:5000',
  });
  assert.deepEqual(decoded('other.example/a'), {});
});

test('`loadDockerConfig()` takes an absent file for an empty one', () => {
  assert.deepEqual(loadDockerConfig({ DOCKER_CONFIG: '/nonexistent' }), {});
});
