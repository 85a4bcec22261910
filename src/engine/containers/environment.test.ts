import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_PATH } from '../spec/defaults.ts';
import { type EnvironmentInput, processEnvironment } from './environment.ts';

const environment = (more: Partial<EnvironmentInput>) =>
  processEnvironment({ hostname: 'h', tty: false, links: [], own: [], home: '/root', ...more });

test('without own variables: PATH, HOSTNAME, with a terminal TERM, HOME at the end', () => {
  assert.deepEqual(environment({}), [`PATH=${DEFAULT_PATH}`, 'HOSTNAME=h', 'HOME=/root']);
  assert.deepEqual(environment({ tty: true }), [
    `PATH=${DEFAULT_PATH}`,
    'HOSTNAME=h',
    'TERM=xterm',
    'HOME=/root',
  ]);
});

test('an own variable stands where that of the daemon stood, the others follow in their order', () => {
  assert.deepEqual(
    environment({
      tty: true,
      links: ['WEB_PORT=tcp://1:80', 'WEB_NAME=/a/web'],
      own: ['B=1', 'PATH=/bin', 'TERM=dumb', 'A=2', 'HOSTNAME=other', 'HOME=/home', 'WEB_PORT='],
    }),
    ['PATH=/bin', 'HOSTNAME=other', 'TERM=dumb', 'WEB_PORT=', 'WEB_NAME=/a/web', 'B=1', 'A=2', 'HOME=/home'],
  );
});

test('a bare name takes the variable of that name away', () => {
  assert.deepEqual(environment({ own: ['HOSTNAME', 'PATH', 'NOTHING'] }), ['HOME=/root']);
});
