import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { createApiServer } from '../server.ts';
import { fakeBackend } from '../testing/fake-backend.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { PAGE_PATH, pageGuard } from './guard.ts';
import { pageRoutes } from './routes.ts';

const TOKEN = 'correct-horse';
const bearer = { authorization: `Bearer ${TOKEN}` };

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

async function startPage() {
  const engine = new FakeEngine();
  const server = createApiServer(fakeBackend(engine), {
    log: silentLog,
    routes: pageRoutes(),
    guard: pageGuard(TOKEN),
  });
  const bound = await server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  assert.ok(bound.kind === 'tcp');
  const { port } = bound;
  return {
    engine,
    port,
    /** Sends the path as it is written: a URL parser would tidy it. */
    ask: (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      new Promise<Answer>((resolve, reject) => {
        const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
        request.on('error', reject);
        request.on('response', (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
          );
        });
        request.end();
      }),
    async [Symbol.asyncDispose]() {
      await server.close({ graceMs: 100 });
    },
  };
}

test('the page is served to everybody on loopback, what it shows only with the token', async () => {
  await using page = await startPage();
  assert.equal((await page.ask(PAGE_PATH)).status, 200);
  const wrong: Array<Record<string, string>> = [
    {},
    { authorization: '' },
    { authorization: 'Bearer ' },
    { authorization: `Bearer ${TOKEN}x` },
    { authorization: `Bearer ${TOKEN.slice(0, -1)}` },
    { authorization: `Bearer ${TOKEN} ${TOKEN}` },
    { authorization: TOKEN },
    { authorization: `Basic ${TOKEN}` },
    { cookie: `token=${TOKEN}` },
  ];
  for (const headers of wrong) {
    const { status, text } = await page.ask('/bridgeport/map', headers);
    assert.equal(status, 401, JSON.stringify(headers));
    assert.match(text, /the token is (missing|wrong)/);
  }
  assert.equal((await page.ask(`/bridgeport/map?token=${TOKEN}`)).status, 401);
  const { status, text } = await page.ask('/bridgeport/map', bearer);
  assert.deepEqual([status, JSON.parse(text)], [200, { nodes: [] }]);
});

test('a request for another host is refused: its name may have been made to mean 127.0.0.1', async () => {
  await using page = await startPage();
  for (const host of ['evil.example', 'evil.example:80', '127.0.0.1.evil.example', '10.0.0.1', '[fd00::1]']) {
    for (const path of [PAGE_PATH, '/bridgeport/map']) {
      assert.equal((await page.ask(path, { ...bearer, host })).status, 403, `${host} ${path}`);
    }
  }
  for (const host of ['127.0.0.1', '127.0.0.1:9999', 'localhost:8088', '[::1]:8088', 'LOCALHOST']) {
    assert.equal((await page.ask('/bridgeport/map', { ...bearer, host })).status, 200, host);
  }
});

test('a request from a foreign page is refused, also when it knows the token', async () => {
  await using page = await startPage();
  const foreign: Array<Record<string, string>> = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://evil.example' },
    { origin: 'null' },
  ];
  for (const headers of foreign) {
    assert.equal(
      (await page.ask('/bridgeport/map', { ...bearer, ...headers })).status,
      403,
      JSON.stringify(headers),
    );
  }
  const own = { 'sec-fetch-site': 'same-origin', origin: `http://127.0.0.1:${page.port}` };
  assert.equal((await page.ask('/bridgeport/map', { ...bearer, ...own })).status, 200);
});

test('nothing but GET is answered, and nothing of the API that the page does not read', async () => {
  await using page = await startPage();
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE']) {
    for (const path of [PAGE_PATH, '/bridgeport/map', '/bridgeport/ui', '/containers/create']) {
      assert.equal((await page.ask(path, bearer, method)).status, 403, `${method} ${path}`);
    }
  }
  for (const path of [
    '/',
    '/info',
    '/v1.51/info',
    '/containers/json',
    '/bridgeport',
    '/bridgeport/capture',
  ]) {
    assert.equal((await page.ask(path, bearer)).status, 404, path);
  }
  const why = '/bridgeport/why?from=world&to=web';
  assert.equal((await page.ask(why, bearer)).status, 200);
  assert.equal((await page.ask(`${why}&probe=1`, bearer)).status, 403, 'a probe is more than looking');
  page.engine.calls.length = 0;
  const upgrade = { ...bearer, connection: 'Upgrade', upgrade: 'tcp' };
  assert.equal((await page.ask('/containers/web/attach', upgrade)).status, 404);
  assert.deepEqual(page.engine.calls, []);
});

test('no path leads out of the folder of the page', async () => {
  await using page = await startPage();
  const out = [
    '../package.json',
    '../src/daemon.ts',
    '..%2fpackage.json',
    '%2e%2e/package.json',
    '%2e%2e%2fpackage.json',
    './../package.json',
    'vendor/../../package.json',
    'vendor/../main.ts',
    '/etc/passwd',
    '%2fetc%2fpasswd',
    '..\\package.json',
    'main.ts%00.html',
    'main.ts/',
    'tsconfig.json',
    'model/scene.test.ts',
    'constructor',
    '__proto__',
    '',
  ];
  for (const path of out) {
    const { status } = await page.ask(`${PAGE_PATH}/${path}`, bearer);
    assert.ok([400, 404].includes(status), `${path}: ${status}`);
  }
  // What is no part of the page is not told apart from what is not there, and needs the token.
  assert.equal((await page.ask(`${PAGE_PATH}x`)).status, 401);
});

test('every answer, errors too, forbids what the page does not do', async () => {
  await using page = await startPage();
  for (const [path, headers] of [
    [PAGE_PATH, {}],
    [`${PAGE_PATH}/main.ts`, {}],
    ['/bridgeport/map', bearer],
    ['/bridgeport/map', {}],
    ['/nope', bearer],
  ] as const) {
    const { headers: answered } = await page.ask(path, headers);
    const policy = String(answered['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*|data:/);
    assert.equal(answered['x-content-type-options'], 'nosniff');
    assert.equal(answered['referrer-policy'], 'no-referrer');
    assert.equal(answered['x-frame-options'], 'DENY');
    assert.equal(answered['cache-control'], 'no-store');
    assert.equal(answered['access-control-allow-origin'], undefined);
  }
});

test('TypeScript is served as a module without its types, libraries from where npm put them', async () => {
  await using page = await startPage();
  const main = await page.ask(`${PAGE_PATH}/main.ts`);
  assert.match(String(main.headers['content-type']), /^text\/javascript/);
  assert.doesNotMatch(main.text, /\bimport type\b/);
  new Function(
    main.text
      .replace(/^import .*$/gm, '')
      .replaceAll('import.meta', '({})')
      .replace(/^export /gm, ''),
  );
  for (const file of ['cytoscape.mjs', 'elk-api.mjs', 'elk-worker.js']) {
    const { status, text } = await page.ask(`${PAGE_PATH}/vendor/${file}`);
    assert.equal(status, 200, file);
    assert.ok(text.length > 5000, file);
  }
});

test('every style sheet is linked once, and served', async () => {
  await using page = await startPage();
  const { text } = await page.ask(PAGE_PATH);
  const linked = [...text.matchAll(/<link rel="stylesheet" href="([^"]+)"/g)].map(([, path = '']) => path);
  const sheets = globSync('**/*.css', { cwd: join(import.meta.dirname, '../../../ui') });
  assert.ok(sheets.length > 0);
  assert.deepEqual(linked.toSorted(), sheets.map((name) => `${PAGE_PATH}/${name}`).toSorted());
  // It has the last word where the window is narrow.
  assert.match(linked.at(-1) ?? '', /narrow\.css$/);
  for (const path of linked) {
    const { status, headers } = await page.ask(path);
    assert.deepEqual([status, headers['content-type']], [200, 'text/css; charset=utf-8'], path);
  }
});
