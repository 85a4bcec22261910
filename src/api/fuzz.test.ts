/** Bad input of every kind: always an answer, always JSON when it is an error, never 500, and the server lives on. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allRoutes } from './routes/index.ts';
import { type Answer, startDaemon, type TestDaemon, toEnd } from './testing/daemon.ts';

/** Numerical Recipes' linear congruential generator: the same cases on every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const WORDS = [
  '',
  '0',
  '1',
  '-1',
  'abc',
  'true',
  '1.5',
  '99999999999999999999',
  '%00',
  '%ff',
  '../../etc',
  '{}',
  'é',
  '\'"',
  '%',
];
const PARAMETERS = [
  'all',
  'limit',
  'size',
  'filters',
  't',
  'signal',
  'h',
  'w',
  'since',
  'until',
  'tail',
  'stdout',
  'follow',
  'stream',
  'condition',
  'name',
  'path',
  'force',
  'type',
  'verbose',
  'scope',
  'fromImage',
  'fromSrc',
  'tag',
  'repo',
  'platform',
  'names',
  'detachKeys',
  'noprune',
  'ps_args',
  'one-shot',
  'stdin',
  'logs',
  'stderr',
  'quiet',
];
const BODIES = [
  '',
  '{',
  '}',
  'null',
  '[]',
  '5',
  '"x"',
  '{"a":',
  '{"Image":',
  '\u0000',
  '{"Image":"x"}{',
  '[[[[[[',
  '{"Image":{"a":1}}',
  '{"HostConfig":[]}',
  '{"HostConfig":{"PortBindings":{"80/tcp":{"HostPort":1}}}}',
  '{"Cmd":[1]}',
  '{"Env":{}}',
  '{"":""}',
  '{"HostConfig":{"Binds":[null,5]}}',
  '{"NetworkingConfig":{"EndpointsConfig":{"x":5}}}',
  '{"Labels":[]}',
  '{"Tty":1}',
  '{"HostConfig":{"Ulimits":[{"Name":5}]}}',
  '{"Container":{}}',
  '{"Name":[]}',
  '{"IPAM":{"Config":{}}}',
  '{"Detach":"x"}',
  '{"__proto__":{"Image":"x"}}',
  '{"constructor":1,"toString":2}',
  '{"Healthcheck":{"Interval":"30s"}}',
  '\ufeff{}',
  `{"Env":${'['.repeat(20_000)}`,
  `${'{"HostConfig":'.repeat(2_000)}`,
  '{"ConsoleSize":[1,2,3,"x"]}',
  '{"RestartPolicy":"always"}',
];
const TYPES = [
  'application/json',
  'text/plain',
  '',
  'application/json; charset=utf-8',
  ';;;',
  'application/x-tar',
];

const NAMES = ['web', 'nosuch', '%2e%2e', 'a%2fb', '%E0%A4%A', 'x'.repeat(5000), 'web%00', '%20'];

/** Streams that would go on for ever are asked for their end. */
const BOUNDS = { '/events': 'until=1', '/containers/{name}/stats': 'stream=0' } as Record<string, string>;

function check(answer: Answer, what: string): void {
  assert.ok(
    answer.status < 500 || answer.status === 501 || answer.status === 503,
    `${what}: ${answer.status} ${answer.text}`,
  );
  if (answer.status < 400 || answer.text === '') return;
  assert.equal(typeof (answer.json() as { message: unknown }).message, 'string', what);
}

async function alive(daemon: TestDaemon): Promise<void> {
  assert.equal((await daemon.ask('GET', '/_ping')).text, 'OK');
}

test('every endpoint with odd queries, names and bodies', { timeout: 120_000 }, async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, false);
  const pick = generator(1);
  const some = <T>(list: readonly T[]): T => list[pick(list.length)]!;
  for (const route of allRoutes()) {
    for (let round = 0; round < 12; round++) {
      const name = some(route.path.endsWith('/attach') ? NAMES.slice(1) : NAMES);
      const query = [...Array(pick(4))].map(() => `${some(PARAMETERS)}=${some(WORDS)}`);
      const path = `/v1.${some([24, 30, 41, 42, 44, 51])}${route.path.replaceAll(/\{\w+\}/g, name)}`;
      const bound = BOUNDS[route.path] ?? '';
      const url = `${path}?${[bound, ...query].join('&')}`;
      const withBody = route.method !== 'GET' && route.method !== 'HEAD';
      const answer = await daemon.ask(route.method, url, withBody ? some(BODIES) : undefined, {
        'Content-Type': some(TYPES),
      });
      check(answer, `${route.method} ${url}`);
    }
  }
  await alive(daemon);
});

test('every body at every endpoint that reads JSON', { timeout: 120_000 }, async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, false);
  const paths = [
    '/containers/create',
    '/containers/web/exec',
    '/containers/web/update',
    '/exec/nosuch/start',
    '/networks/create',
    '/networks/bridge/connect',
    '/networks/bridge/disconnect',
    '/volumes/create',
    '/auth',
  ];
  for (const path of paths) {
    for (const body of BODIES) {
      const answer = await daemon.ask('POST', path, body, { 'Content-Type': 'application/json' });
      check(answer, `${path} ${body.slice(0, 80)}`);
    }
  }
  await alive(daemon);
});

test('requests cut off anywhere do not hang or break the server', { timeout: 120_000 }, async () => {
  await using daemon = await startDaemon();
  daemon.engine.add('web', { Image: 'web' }, true);
  const body = '{"Image":"web"}';
  const whole = [
    `POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    `POST /containers/web/attach?stdin=1&stdout=1&stream=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
    `POST /exec/x/start HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    'PUT /containers/web/archive?path=/ HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  ];
  for (const text of whole) {
    const ends: Array<Promise<Buffer>> = [];
    for (let cut = 1; cut <= text.length; cut += 5) {
      const connection = daemon.raw(text.slice(0, cut));
      connection.end();
      ends.push(toEnd(connection));
    }
    await Promise.all(ends);
  }
  await alive(daemon);
});

test('odd request lines and headers are refused', async () => {
  await using daemon = await startDaemon();
  for (const text of [
    '\r\n\r\n',
    'GET\r\n\r\n',
    'GET /_ping HTTP/9.9\r\nHost: d\r\n\r\n',
    'BREW /_ping HTTP/1.1\r\nHost: d\r\n\r\n',
    'GET /_ping HTTP/1.1\r\n\r\n',
    'POST /auth HTTP/1.1\r\nHost: d\r\nContent-Length: -1\r\n\r\n',
    'POST /auth HTTP/1.1\r\nHost: d\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
    'POST /auth HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nzz\r\n',
    `GET /_ping HTTP/1.1\r\nHost: d\r\nX: ${'y'.repeat(2 * 1024 * 1024)}\r\n\r\n`,
  ]) {
    const connection = daemon.raw(text);
    connection.end();
    const answer = String(await toEnd(connection));
    assert.match(answer, /^(HTTP\/1\.1 4\d\d |$)/, text.slice(0, 60));
  }
  await alive(daemon);
});
