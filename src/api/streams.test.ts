import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { readUntil, startDaemon, type TestDaemon, toEnd } from './testing/daemon.ts';
import { EVENT, IMAGE_ID } from './testing/fake-shapes.ts';

const line = (stream: 'stdout' | 'stderr', time: string, data: string) => ({
  stream,
  time,
  data: Buffer.from(data),
});

test('`logs` without a terminal are framed, with one they are raw', async () => {
  await using daemon = await startDaemon();
  const web = daemon.engine.add('web', { Image: 'web' }, false);
  web.log.push(
    line('stdout', '2026-11-22T05:16:09.1Z', 'hello\n'),
    line('stderr', '2026-11-22T05:16:09Z', 'oops\n'),
  );
  const framed = await daemon.ask('GET', '/containers/web/logs?stdout=1&stderr=1&timestamps=1');
  assert.equal(framed.headers['content-type'], 'application/vnd.docker.multiplexed-stream');
  assert.equal(
    framed.text,
    '\x01\0\0\0\0\0\0\x252026-11-22T05:16:09.100000000Z hello\n\x02\0\0\0\0\0\0\x242026-11-22T05:16:09.000000000Z oops\n',
  );
  const old = await daemon.ask('GET', '/v1.41/containers/web/logs?stdout=1');
  assert.equal(old.headers['content-type'], 'application/vnd.docker.raw-stream');
  web.body.Tty = true;
  const raw = await daemon.ask('GET', '/containers/web/logs?stdout=True');
  assert.equal(raw.headers['content-type'], 'application/vnd.docker.raw-stream');
  assert.equal(raw.text, 'hello\noops\n');
});

test('the parts of a long line get one timestamp', async () => {
  await using daemon = await startDaemon();
  const web = daemon.engine.add('web', { Image: 'web', Tty: true }, false);
  web.log.push(line('stdout', '2026-11-22T05:16:09Z', 'a'), line('stdout', '2026-11-22T05:16:10Z', 'b\n'));
  const { text } = await daemon.ask('GET', '/containers/web/logs?stdout=1&timestamps=1');
  assert.equal(text, '2026-11-22T05:16:09.000000000Z ab\n');
});

test('`logs` passes on what was asked and refuses what makes no sense', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, false);
  await daemon.ask('GET', '/containers/web/logs?stdout=1&since=12.5&until=99&tail=7');
  const options = daemon.engine.calls.at(-1)!.args[1] as Record<string, unknown>;
  assert.deepEqual(
    { ...options, signal: undefined },
    { stdout: true, stderr: false, follow: false, since: 12.5, until: 99, tail: 7, signal: undefined },
  );
  assert.equal((await daemon.ask('GET', '/containers/web/logs')).status, 400);
  assert.equal((await daemon.ask('GET', '/containers/web/logs?stdout=1&since=noon')).status, 400);
  assert.equal((await daemon.ask('GET', '/containers/nosuch/logs?stdout=1')).status, 404);
});

test('`logs -f` sends headers before there is a line, and ends with the client', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, true);
  const connection = daemon.raw('GET /containers/web/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: d\r\n\r\n');
  assert.match(String(await readUntil(connection, (data) => data.includes('\r\n\r\n'))), /^HTTP\/1\.1 200/);
  const { signal } = daemon.engine.calls.at(-1)!.args[1] as { signal: AbortSignal };
  assert.equal(signal.aborted, false);
  connection.destroy();
  await aborted(signal);
});

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
    setTimeout(() => reject(new Error('not aborted after 3 s')), 3_000).unref();
  });
}

test('`events` come at once, keep their nanoseconds and the old names', async () => {
  await using daemon = await startDaemon();
  const connection = daemon.raw('GET /events HTTP/1.1\r\nHost: d\r\n\r\n');
  const text = String(await readUntil(connection, (data) => data.includes('"create"')));
  assert.match(text, /content-type: application\/json/i);
  const first = text.split('\n').find((candidate) => candidate.startsWith('{'))!;
  assert.match(first, /"timeNano":1795000000123456789[,}]/);
  const event = JSON.parse(first) as Record<string, unknown>;
  assert.equal(event.status, 'start');
  assert.equal(event.id, EVENT.Actor.ID);
  assert.equal(event.from, 'web');
  const { signal } = daemon.engine.calls.at(-1)!.args[0] as { signal: AbortSignal };
  connection.destroy();
  await aborted(signal);
});

test('`events` hides from old clients what they do not know, and refuses bad times', async () => {
  await using daemon = await startDaemon();
  const old = await daemon.ask('GET', '/v1.45/events?until=5');
  assert.equal(old.text.trim().split('\n').length, 1);
  assert.equal((await daemon.ask('GET', '/events?since=abc')).status, 400);
  assert.equal((await daemon.ask('GET', '/events?since=5&until=4')).status, 400);
  assert.equal((await daemon.ask('GET', '/events?filters=x')).status, 400);
});

test('`wait` sends its headers when the wait is registered', async () => {
  await using daemon = await startDaemon();
  const web = daemon.engine.add('web', { Image: 'web' }, true);
  const connection = daemon.raw(
    'POST /containers/web/wait?condition=next-exit HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n',
  );
  assert.match(String(await readUntil(connection, (data) => data.includes('\r\n\r\n'))), /^HTTP\/1\.1 200/);
  daemon.engine.exit(web, 42);
  assert.match(String(await toEnd(connection)), /\{"StatusCode":42,"Error":null\}/);
  assert.equal((await daemon.ask('POST', '/containers/web/wait?condition=foo')).status, 400);
  assert.equal((await daemon.ask('POST', '/containers/nosuch/wait')).status, 404);
});

test('`stats` is one object or a stream of them', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, true);
  const one = await daemon.ask('GET', '/containers/web/stats?stream=false&one-shot=true');
  assert.equal((one.json() as { name: string }).name, '/web');
  const connection = daemon.raw('GET /containers/web/stats HTTP/1.1\r\nHost: d\r\n\r\n');
  await readUntil(connection, (data) => data.toString().split('"read"').length > 3);
  connection.destroy();
  assert.deepEqual(Object.keys(daemon.engine.calls[0]!.args[1] as object), ['stream', 'oneShot', 'signal']);
});

const lines = (text: string) =>
  text
    .trim()
    .split('\r\n')
    .map((entry) => JSON.parse(entry) as Record<string, unknown>);

test('`pull` reports progress in lines; an error comes as status before the first and as a line after it', async () => {
  await using daemon = await startDaemon();
  const good = await daemon.ask('POST', '/images/create?fromImage=localhost:5000/web&tag=1');
  assert.equal(good.status, 200);
  assert.equal(lines(good.text).length, 3);
  const denied = await daemon.ask('POST', '/images/create?fromImage=denied&tag=1');
  assert.equal(denied.status, 401);
  const broken = await daemon.ask('POST', '/images/create?fromImage=broken&tag=1');
  assert.equal(broken.status, 200);
  assert.deepEqual(lines(broken.text).at(-1), {
    errorDetail: { message: 'unexpected EOF from the registry' },
    error: 'unexpected EOF from the registry',
  });
  assert.equal((await daemon.ask('POST', '/images/create')).status, 400);
  assert.equal((await daemon.ask('POST', '/images/create?fromSrc=http://x/y.tar')).status, 501);
});

test('`build` hands over the context and what was asked for; its last message may be a failure', async () => {
  await using daemon = await startDaemon();
  const good = await daemon.ask('POST', '/v1.43/build?t=web:1&nocache=1&q=0', Buffer.from('a context'), {
    'Content-Type': 'application/x-tar',
  });
  assert.deepEqual(lines(good.text), [{ stream: 'Step 1/1 : a context\n' }]);
  const options = daemon.engine.calls[0]?.args[1] as { tags: string[]; noCache: boolean };
  assert.deepEqual([options.tags, options.noCache], [['web:1'], true]);
  const failing = await daemon.ask('POST', '/build', Buffer.from('fails'), {
    'Content-Type': 'application/x-tar',
  });
  assert.equal(failing.status, 200);
  assert.deepEqual(lines(failing.text).at(-1), {
    error: 'code 3',
    errorDetail: { code: 3, message: 'code 3' },
  });
  const remote = await daemon.ask('POST', '/build?remote=https://x/y.git');
  assert.equal(remote.status, 501);
});

test('`commit` hands over its query and body; without a body the container decides', async () => {
  await using daemon = await startDaemon();
  const query =
    'container=web&repo=localhost:5000/team/web:2&comment=c&author=a&pause=0&changes=CMD%20x&changes=ENV%20a=b';
  const made = await daemon.ask('POST', `/commit?${query}`, { User: 'www' });
  assert.equal(made.status, 201);
  assert.match((made.json() as { Id: string }).Id, /^sha256:/);
  assert.deepEqual(daemon.engine.calls[0]?.args.slice(0, 2), [
    'web',
    {
      ...{ repository: 'localhost:5000/team/web', tag: '2', comment: 'c', author: 'a', pause: false },
      ...{ changes: ['CMD x', 'ENV a=b'], config: { User: 'www' } },
    },
  ]);
  for (const body of [undefined, 'null']) {
    await daemon.ask('POST', '/commit?container=web', body, { 'Content-Type': 'application/json' });
    const [, options] = (daemon.engine.calls.at(-1)?.args ?? []) as [
      string,
      { config: unknown; pause: boolean },
    ];
    assert.deepEqual([options.config, options.pause], [undefined, true]);
  }
  assert.equal((await daemon.ask('POST', '/commit')).status, 400);
});

test('`X-Registry-Auth` is read in both alphabets, and may be empty', async () => {
  await using daemon = await startDaemon();
  const pull = (header: string) =>
    daemon.ask('POST', '/images/create?fromImage=denied&tag=1', undefined, { 'X-Registry-Auth': header });
  const credentials = Buffer.from('{"username":"me","password":"ÿ~?>"}');
  assert.equal((await pull(credentials.toString('base64url'))).status, 200);
  assert.equal((await pull(credentials.toString('base64'))).status, 200);
  for (const empty of ['', 'e30=', 'bnVsbA==']) assert.equal((await pull(empty)).status, 401, empty);
  const bad = await pull('????');
  assert.equal(bad.status, 400);
  assert.doesNotMatch(bad.text, /\?\?/);
});

function upload(
  daemon: TestDaemon,
  method: string,
  path: string,
  bytes: number,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: daemon.socket, method, path, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.on('error', reject);
    const chunk = Buffer.alloc(1024 * 1024);
    let left = bytes;
    const push = () => {
      while (left > 0) {
        left -= chunk.length;
        if (!outgoing.write(chunk)) {
          outgoing.once('drain', push);
          return;
        }
      }
      outgoing.end();
    };
    push();
  });
}

test('uploads go through as streams, far beyond the limit for JSON', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, true);
  const size = 32 * 1024 * 1024;
  const load = await upload(daemon, 'POST', '/images/load?quiet=0', size);
  assert.match(load.text, new RegExp(`fake of ${size} bytes`));
  const put = await upload(daemon, 'PUT', '/containers/web/archive?path=/tmp&copyUIDGID=true', size);
  assert.equal(put.status, 200);
  const imported = await upload(
    daemon,
    'POST',
    '/images/create?fromSrc=-&repo=web&tag=2&changes=CMD+sh',
    size,
  );
  assert.equal(lines(imported.text)[0]!.status, IMAGE_ID);
  assert.deepEqual(daemon.engine.uploads, [
    { path: '/tmp', bytes: size },
    { path: 'web:2', bytes: size },
  ]);
});

test('an upload that is refused gets its error, and nothing hangs', async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, true);
  const { status, text } = await upload(
    daemon,
    'PUT',
    '/containers/web/archive?path=/refused',
    16 * 1024 * 1024,
  );
  assert.equal(status, 400);
  assert.match(text, /refused before reading/);
});

test('`docker cp` gets the stat header and the tar', async () => {
  await using daemon = await startDaemon({ tar: () => Buffer.alloc(3 * 1024 * 1024) });
  daemon.engine.add('web', { Image: 'web' }, true);
  const head = await daemon.ask('HEAD', '/containers/web/archive?path=/etc/hosts');
  const stat = JSON.parse(
    Buffer.from(String(head.headers['x-docker-container-path-stat']), 'base64').toString(),
  ) as object;
  assert.deepEqual(Object.keys(stat), ['name', 'size', 'mode', 'mtime', 'linkTarget']);
  const tar = await daemon.ask('GET', '/containers/web/archive?path=/etc/hosts');
  assert.equal(tar.headers['content-type'], 'application/x-tar');
  assert.equal(tar.headers['x-docker-container-path-stat'], head.headers['x-docker-container-path-stat']);
  assert.equal(tar.text.length, 3 * 1024 * 1024);
  assert.equal((await daemon.ask('HEAD', '/containers/web/archive?path=/missing')).status, 404);
  assert.equal((await daemon.ask('GET', '/containers/web/archive')).status, 400);
});
