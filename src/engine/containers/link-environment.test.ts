import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LinkFacts, linkEnvironment } from './link-environment.ts';

const environment = (more: Partial<LinkFacts>) =>
  linkEnvironment({
    clientName: 'app',
    alias: 'web',
    address: '172.17.0.2',
    exposedPorts: [],
    env: [],
    ...more,
  });

test('a link without exposed ports has a name only', () => {
  assert.deepEqual(environment({}), ['WEB_NAME=/app/web']);
});

test('one port', () => {
  assert.deepEqual(environment({ alias: 'my-web', exposedPorts: ['80/tcp'] }), [
    'MY_WEB_PORT=tcp://172.17.0.2:80',
    'MY_WEB_PORT_80_TCP=tcp://172.17.0.2:80',
    'MY_WEB_PORT_80_TCP_ADDR=172.17.0.2',
    'MY_WEB_PORT_80_TCP_PORT=80',
    'MY_WEB_PORT_80_TCP_PROTO=tcp',
    'MY_WEB_NAME=/app/my-web',
  ]);
});

test('the first port is the lowest of TCP, whatever was exposed first', () => {
  const first = (...exposedPorts: string[]) => environment({ exposedPorts })[0];
  assert.equal(first('53/udp', '8080/tcp', '443/tcp'), 'WEB_PORT=tcp://172.17.0.2:443');
  assert.equal(first('9/sctp', '53/udp'), 'WEB_PORT=sctp://172.17.0.2:9');
});

test('ports in a row are also given as a range', () => {
  const variables = environment({ exposedPorts: ['9001/tcp', '9000/tcp', '9002/tcp', '9003/udp', '80/tcp'] });
  assert.deepEqual(
    variables.filter((variable) => /START|END/.test(variable)),
    [
      'WEB_PORT_9000_TCP_START=tcp://172.17.0.2:9000',
      'WEB_PORT_9000_TCP_PORT_START=9000',
      'WEB_PORT_9000_TCP_END=tcp://172.17.0.2:9002',
      'WEB_PORT_9000_TCP_PORT_END=9002',
    ],
  );
  assert.equal(variables.filter((variable) => /_ADDR=/.test(variable)).length, 5);
});

test("the other's own variables are handed on, but for HOME, PATH and bare names", () => {
  assert.deepEqual(environment({ env: ['PATH=/bin', 'HOME=/', 'KEY=a=b', 'EMPTY=', 'BARE', '=x'] }), [
    'WEB_NAME=/app/web',
    'WEB_ENV_KEY=a=b',
    'WEB_ENV_EMPTY=',
  ]);
});
