import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRouter } from './router.ts';
import { allRoutes } from './routes/index.ts';
import { compareVersions, negotiate, splitVersion } from './version.ts';

const router = createRouter(allRoutes());

function found(method: string, path: string): string {
  const match = router.find(method, path);
  return match === undefined
    ? 'nothing'
    : `${match.route.path} ${Object.values(match.params).join(' ')}`.trim();
}

test('names of images hold slashes, colons and digests', () => {
  assert.equal(found('GET', '/images/web/json'), '/images/{name}/json web');
  assert.equal(
    found('GET', '/images/localhost:5000/team/web:1.2/json'),
    '/images/{name}/json localhost:5000/team/web:1.2',
  );
  assert.equal(found('DELETE', '/images/web@sha256:abc'), '/images/{name} web@sha256:abc');
  assert.equal(found('POST', '/images/a/b/tag'), '/images/{name}/tag a/b');
  assert.equal(found('GET', '/images/get'), '/images/get');
  assert.equal(found('GET', '/images/json/json'), '/images/{name}/json json');
});

test('a path with another method, an empty name or a trailing slash is not found', () => {
  for (const [method, path] of [
    ['PUT', '/info'],
    ['HEAD', '/info'],
    ['POST', '/containers/json'],
    ['GET', '/containers//json'],
    ['GET', '/containers/json/'],
    ['GET', '/'],
    ['GET', ''],
    ['GET', '/nope'],
  ] as const) {
    assert.equal(found(method, path), 'nothing', `${method} ${path}`);
  }
  assert.equal(found('GET', '/networks/'), '/networks/');
});

test('the whole list of endpoints is there', () => {
  const endpoints = `
    GET /_ping|HEAD /_ping|GET /version|GET /info|GET /events|POST /auth|GET /system/df|GET /containers/json
    POST /containers/create|GET /containers/x/json|GET /containers/x/top|GET /containers/x/logs|GET /containers/x/changes
    GET /containers/x/export|GET /containers/x/stats|POST /containers/x/resize|POST /containers/x/start
    POST /containers/x/stop|POST /containers/x/restart|POST /containers/x/kill|POST /containers/x/update
    POST /containers/x/rename|POST /containers/x/pause|POST /containers/x/unpause|POST /containers/x/attach
    GET /containers/x/attach/ws|POST /containers/x/wait|DELETE /containers/x|POST /containers/prune
    HEAD /containers/x/archive|GET /containers/x/archive|PUT /containers/x/archive|POST /containers/x/exec
    POST /exec/x/start|POST /exec/x/resize|GET /exec/x/json|GET /images/json|POST /images/create|GET /images/x/json
    GET /images/x/history|POST /images/x/push|POST /images/x/tag|DELETE /images/x|GET /images/search|POST /images/prune
    GET /images/x/get|GET /images/get|POST /images/load|POST /build|POST /build/prune|POST /commit|POST /session|POST /grpc
    GET /networks|GET /networks/x|POST /networks/create|POST /networks/x/connect|POST /networks/x/disconnect
    DELETE /networks/x|POST /networks/prune|GET /volumes|GET /volumes/x|POST /volumes/create|DELETE /volumes/x
    PUT /volumes/x|POST /volumes/prune|GET /swarm|POST /swarm/init|POST /swarm/join|POST /swarm/leave|GET /services
    GET /tasks|GET /nodes|GET /secrets|GET /configs|GET /plugins|GET /distribution/x/json|GET /bridgeport/map|GET /bridgeport/exposure`;
  for (const endpoint of endpoints.split(/[|\n]/).map((text) => text.trim())) {
    if (endpoint === '') continue;
    const [method, path] = endpoint.split(' ') as [string, string];
    assert.notEqual(found(method, path), 'nothing', endpoint);
  }
});

test('a version prefix is taken off and held against what is served', () => {
  const range = { min: '1.24', max: '1.51' };
  assert.deepEqual(splitVersion('/v1.43/info'), { version: '1.43', path: '/info' });
  assert.deepEqual(splitVersion('/volumes'), { version: undefined, path: '/volumes' });
  assert.equal(negotiate(undefined, range), 51);
  assert.equal(negotiate('1.24', range), 24);
  assert.throws(
    () => negotiate('1.99', range),
    /client version 1.99 is too new. Maximum supported API version is 1.51$/,
  );
  assert.throws(() => negotiate('2', range), /client version 2 is too new/);
  assert.throws(
    () => negotiate('1.9', range),
    /client version 1.9 is too old. Minimum supported API version is 1.24/,
  );
  assert.ok(compareVersions('1.9', '1.10') < 0);
});
