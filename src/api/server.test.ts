import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import type { TcpAddress } from './listen.ts';
import { startDaemon, toEnd } from './testing/daemon.ts';

const message = (answer: { json(): unknown }) => (answer.json() as { message: string }).message;

test('`_ping` answers GET and HEAD with the headers that clients negotiate by', async () => {
  await using daemon = await startDaemon();
  const get = await daemon.ask('GET', '/_ping');
  assert.equal(get.status, 200);
  assert.equal(get.text, 'OK');
  const head = await daemon.ask('HEAD', '/v1.43/_ping');
  assert.equal(head.status, 200);
  assert.equal(head.text, '');
  for (const { headers } of [get, head]) {
    assert.equal(headers['api-version'], '1.51');
    assert.equal(headers['docker-experimental'], 'false');
    assert.equal(headers.ostype, 'linux');
    assert.equal(headers.swarm, 'inactive');
    assert.equal(headers['builder-version'], '1');
    assert.equal(headers['cache-control'], 'no-cache, no-store, must-revalidate');
    assert.match(String(headers.server), /^Bridgeport/);
    assert.match(String(headers['content-type']), /^text\/plain/);
  }
});

test('versions out of range are refused in Docker’s words', async () => {
  await using daemon = await startDaemon();
  const tooNew = await daemon.ask('GET', '/v1.99/version');
  assert.equal(tooNew.status, 400);
  assert.equal(message(tooNew), 'client version 1.99 is too new. Maximum supported API version is 1.51');
  const tooOld = await daemon.ask('GET', '/v1.23/version');
  assert.equal(tooOld.status, 400);
  assert.match(String(tooOld.headers['content-type']), /^text\/plain/);
  assert.match(tooOld.text, /^client version 1.23 is too old. Minimum supported API version is 1.24/);
  const tooOldSession = await daemon.ask('POST', '/v1.99/containers/web/attach');
  assert.equal(tooOldSession.status, 400);
  assert.match(message(tooOldSession), /too new/);
  const laterEndpoint = await daemon.ask('POST', '/v1.24/containers/prune');
  assert.equal(laterEndpoint.status, 400);
  assert.match(message(laterEndpoint), /requires API version 1.25, but the requested API version is 1.24/);
});

test('an unknown path, method or encoding is 404 or 400 as JSON', async () => {
  await using daemon = await startDaemon();
  for (const [method, path] of [
    ['GET', '/nope'],
    ['GET', '/v1.41/nope'],
    ['PUT', '/info'],
    ['POST', '/containers/json'],
    ['GET', '/'],
  ] as const) {
    const answer = await daemon.ask(method, path);
    assert.equal(answer.status, 404, path);
    assert.deepEqual(answer.json(), { message: 'page not found' });
    assert.equal(answer.headers['content-type'], 'application/json');
  }
  assert.equal((await daemon.ask('GET', '/containers/%ff/json')).status, 400);
  assert.equal((await daemon.ask('OPTIONS', '/info')).status, 200);
});

test('kinds of errors become their status, and 304 has no body', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, true);
  const missing = await daemon.ask('GET', '/containers/nosuch/json');
  assert.equal(missing.status, 404);
  assert.deepEqual(missing.json(), { message: 'No such container: nosuch' });
  const started = await daemon.ask('POST', '/containers/web/start');
  assert.equal(started.status, 304);
  assert.equal(started.text, '');
  const taken = await daemon.ask('POST', '/containers/create?name=web', { Image: 'web' });
  assert.equal(taken.status, 409);
  const unbuilt = await daemon.ask('DELETE', '/networks/x');
  assert.equal(unbuilt.status, 501);
  assert.match(message(unbuilt), /is not implemented by Bridgeport yet$/);
});

test('JSON bodies are checked as Docker checks them', async () => {
  await using daemon = await startDaemon();
  const create = (body: unknown, headers?: Record<string, string>) =>
    daemon.ask('POST', '/containers/create', body, headers);
  const json = { 'Content-Type': 'application/json' };
  const cases: Array<[unknown, Record<string, string> | undefined, RegExp]> = [
    ['{', json, /^invalid JSON: unexpected EOF$/],
    ['', json, /^config cannot be empty in order to create a container$/],
    ['{}', json, /^config cannot be empty in order to create a container$/],
    ['null', json, /^config cannot be empty in order to create a container$/],
    ['{"Image":"x"} {}', json, /^unexpected content after JSON$/],
    ['{"Image":5}', json, /field Image of type string$/],
    [
      '{"Image":"x"}',
      { 'Content-Type': 'text/plain' },
      /^unsupported Content-Type header \(text\/plain\): must be 'application\/json'$/,
    ],
    ['{"Image":"x"}', {}, /^malformed Content-Type header \(\)$/],
  ];
  for (const [body, headers, expected] of cases) {
    const answer = await create(body, headers);
    assert.equal(answer.status, 400, String(body));
    assert.match(message(answer), expected);
  }
  const fine = await create('{"image":"web"}', { 'Content-Type': 'application/json; charset=utf-8' });
  assert.equal(fine.status, 201);
  assert.deepEqual(Object.keys(fine.json() as object), ['Id', 'Warnings']);
  assert.deepEqual((fine.json() as { Warnings: unknown }).Warnings, []);
});

test('a JSON body of more than 8 MB is refused', async () => {
  await using daemon = await startDaemon();
  const answer = await daemon.ask('POST', '/containers/create', {
    Image: 'x',
    Env: ['a'.repeat(9 * 1024 * 1024)],
  });
  assert.equal(answer.status, 400);
  assert.match(message(answer), /request body too large/);
});

test('a connection serves one request after the other', async () => {
  await using daemon = await startDaemon();
  const connection = daemon.raw(
    'GET /_ping HTTP/1.1\r\nHost: d\r\n\r\nGET /nope HTTP/1.1\r\nHost: d\r\n\r\nGET /version HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n',
  );
  const text = String(await toEnd(connection));
  assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
});

test('an `Upgrade` that we do not know does not disturb an ordinary request', async () => {
  await using daemon = await startDaemon();
  const connection = daemon.raw(
    'POST /session HTTP/1.1\r\nHost: d\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n',
  );
  assert.match(String(await toEnd(connection)), /^HTTP\/1\.1 501 Not Implemented/);
});

test('bytes that are not HTTP are refused and the connection closed', async () => {
  await using daemon = await startDaemon();
  const text = String(await toEnd(daemon.raw('\x16\x03\x01 hello\r\n\r\n')));
  assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n.*\{"message":"Bad Request"\}/s);
});

test('requests are logged with method, path, status and duration', async () => {
  const lines: object[] = [];
  const log = { ...silentLog, debug: (fields: object) => void lines.push(fields) };
  await using daemon = await startDaemon({ log });
  await daemon.ask('GET', '/v1.51/containers/nosuch/json');
  const line = lines[0] as { method: string; path: string; status: number; durationMs: number };
  assert.deepEqual(
    { ...line, durationMs: 0 },
    { method: 'GET', path: '/v1.51/containers/nosuch/json', status: 404, durationMs: 0 },
  );
  assert.ok(line.durationMs >= 0);
});

test('`close()` ends streams at once and waits for the others', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web', Tty: true }, true);
  const events = toEnd(daemon.raw('GET /events HTTP/1.1\r\nHost: d\r\n\r\n'));
  const attach = toEnd(
    daemon.raw(
      'POST /containers/web/attach?stdin=1&stdout=1&stream=1 HTTP/1.1\r\nHost: d\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n',
    ),
  );
  const wait = toEnd(daemon.raw('POST /containers/web/wait?condition=removed HTTP/1.1\r\nHost: d\r\n\r\n'));
  const upload = daemon.raw(
    'PUT /containers/web/archive?path=/tmp HTTP/1.1\r\nHost: d\r\nContent-Length: 6\r\n\r\nabc',
  );
  while (daemon.engine.calls.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 30));
  setTimeout(() => upload.write('def'), 100);
  const started = performance.now();
  const [uploaded] = await Promise.all([toEnd(upload), daemon.server.close({ graceMs: 3_000 })]);
  assert.ok(performance.now() - started < 2_000);
  assert.match(String(await events), /"Action":"start"/);
  assert.match(String(await attach), /101 UPGRADED/);
  assert.doesNotMatch(String(await wait), /StatusCode/);
  assert.match(String(uploaded), /^HTTP\/1\.1 200 OK/);
});

test('requests from web pages of other origins are refused', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, false);
  const from = (Origin: string, path: string) =>
    daemon.ask('POST', path, undefined, { Origin, Host: 'localhost:2375' });
  assert.equal((await from('http://evil.example', '/containers/web/start')).status, 403);
  assert.equal((await from('null', '/containers/web/attach?stdin=1')).status, 403);
  assert.equal((await from('http://localhost:2375', '/containers/web/start')).status, 204);
});

test('on loopback without TLS, a host by another name is refused, whatever page asks for it: its name may have been rebound', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, false);
  const bound = await daemon.server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  assert.equal(bound.kind, 'tcp');
  const { port } = bound as TcpAddress;
  const from = async (headers: string, path = '/containers/web/json') => {
    const connection = connect(port, '127.0.0.1');
    connection.write(`GET ${path} ${headers}\r\nConnection: close\r\n\r\n`);
    return String(await toEnd(connection)).split('\r\n')[0];
  };
  const refused = 'HTTP/1.1 403 Forbidden';
  assert.equal(await from(`HTTP/1.1\r\nHost: evil.example:${port}`), refused);
  assert.equal(
    await from(`HTTP/1.1\r\nHost: evil.example:${port}\r\nOrigin: http://evil.example:${port}`),
    refused,
  );
  assert.equal(await from('HTTP/1.1\r\nHost: 127.0.0.1.evil.example'), refused);
  assert.equal(await from('HTTP/1.1\r\nHost: 192.0.2.1'), refused);
  const attach = `POST /containers/web/attach?stdin=1&stream=1 HTTP/1.1\r\nHost: evil.example\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n`;
  const connection = connect(port, '127.0.0.1');
  connection.write(attach);
  assert.match(String(await toEnd(connection)), /^HTTP\/1\.1 403 /);
  // As clients name it: the address they were given, also through a forwarded port; a request of HTTP/1.0 names nothing.
  for (const host of [`127.0.0.1:${port}`, 'localhost:9999', 'LOCALHOST', '[::1]:2375', '127.0.0.2']) {
    assert.equal(await from(`HTTP/1.1\r\nHost: ${host}`), 'HTTP/1.1 200 OK', host);
  }
  assert.equal(await from('HTTP/1.0'), 'HTTP/1.1 200 OK');
});

test('on a Unix socket every name is fine: clients choose their own', async () => {
  await using daemon = await startDaemon();
  for (const Host of ['docker', 'd', 'api.moby.localhost', '%2Frun%2Fbridgeport.sock']) {
    assert.equal((await daemon.ask('GET', '/_ping', undefined, { Host })).status, 200, Host);
  }
});
