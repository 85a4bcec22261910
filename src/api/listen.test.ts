import assert from 'node:assert/strict';
import { execFileSync, fork, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { createApiServer } from './server.ts';
import { fakeBackend } from './testing/fake-backend.ts';
import { FakeEngine } from './testing/fake-engine.ts';

const newServer = () => createApiServer(fakeBackend(new FakeEngine()), { log: silentLog });

function directory(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'bridgeport-listen-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test('the socket is its owner’s and its group’s alone', async () => {
  using dir = directory();
  const path = join(dir.path, 's');
  const mask = process.umask();
  const server = newServer();
  await server.listen({ kind: 'unix', path, gid: process.getgid!() });
  assert.equal(statSync(path).mode & 0o777, 0o660);
  assert.equal(process.umask(), mask);
  await server.close({ graceMs: 100 });
  assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
});

test('a socket on which another daemon listens is refused', async () => {
  using dir = directory();
  const path = join(dir.path, 's');
  const first = newServer();
  await first.listen({ kind: 'unix', path });
  await assert.rejects(newServer().listen({ kind: 'unix', path }), {
    kind: 'conflict',
    message: `another daemon listens on ${path}`,
  });
  await first.close({ graceMs: 100 });
});

test('a socket that a killed daemon left is taken over', async () => {
  using dir = directory();
  const path = join(dir.path, 's');
  const script = join(dir.path, 'listener.mjs');
  writeFileSync(
    script,
    `import { createServer } from 'node:net'; createServer().listen(${JSON.stringify(path)}, () => process.send('up'));`,
  );
  const child = fork(script);
  await new Promise((resolve) => child.once('message', resolve));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  assert.ok(statSync(path).isSocket());
  const server = newServer();
  await server.listen({ kind: 'unix', path });
  await server.close({ graceMs: 100 });
});

test('a file that is no socket is left alone', async () => {
  using dir = directory();
  const path = join(dir.path, 's');
  writeFileSync(path, 'precious');
  await assert.rejects(newServer().listen({ kind: 'unix', path }), /exists and is not a socket/);
  assert.equal(statSync(path).size, 8);
});

test('a directory that is missing is an error that names the socket', async () => {
  using dir = directory();
  const path = join(dir.path, 'missing', 's');
  await assert.rejects(newServer().listen({ kind: 'unix', path }), (error: Error) =>
    error.message.includes(path),
  );
});

test('TCP ports are bound, told and refused when taken', async () => {
  const server = newServer();
  const bound = await server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  assert.equal(bound.kind, 'tcp');
  const port = bound.kind === 'tcp' ? bound.port : 0;
  const text = await new Promise<string>((resolve) =>
    get({ host: '127.0.0.1', port, path: '/_ping', agent: false }, (response) =>
      response.on('data', (chunk) => resolve(String(chunk))),
    ),
  );
  assert.equal(text, 'OK');
  const other = createServer();
  await assert.rejects(newServer().listen({ kind: 'tcp', host: '127.0.0.1', port }), {
    kind: 'conflict',
    message: `listen on tcp://127.0.0.1:${port}: address already in use`,
  });
  other.close();
  await server.close({ graceMs: 100 });
});

const noOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed';

/** A certificate of its own authority, and one for `localhost` that it signed. */
function certificates(directory: string): { ca: Buffer; cert: Buffer; key: Buffer } {
  const at = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-subj',
    '/CN=ca',
    '-days',
    '1',
  );
  openssl('req', ...newKey, '-keyout', at('key'), '-out', at('csr'), '-subj', '/CN=localhost');
  writeFileSync(at('ext'), 'subjectAltName=DNS:localhost\n');
  const signing = [
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-extfile',
    at('ext'),
    '-days',
    '1',
  ];
  openssl('x509', '-req', '-in', at('csr'), '-out', at('cert'), ...signing);
  return { ca: readFileSync(at('ca.pem')), cert: readFileSync(at('cert')), key: readFileSync(at('key')) };
}

test('TLS asks for a certificate of the authority when it is to verify', { skip: noOpenssl }, async () => {
  using dir = directory();
  const { ca, cert, key } = certificates(dir.path);
  const server = newServer();
  const bound = await server.listen({
    kind: 'tcp',
    host: '127.0.0.1',
    port: 0,
    tls: { ca, cert, key, verify: true },
  });
  const port = bound.kind === 'tcp' ? bound.port : 0;
  const ping = (identity: object) =>
    new Promise<string>((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        servername: 'localhost',
        port,
        path: '/_ping',
        ca,
        agent: false,
        ...identity,
      };
      httpsRequest(options, (response) => response.on('data', (chunk) => resolve(String(chunk))))
        .on('error', reject)
        .end();
    });
  assert.equal(await ping({ cert, key }), 'OK');
  await assert.rejects(ping({}), /certificate required|ECONNRESET|socket hang up/);
  await server.close({ graceMs: 100 });
});
