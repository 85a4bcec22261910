import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runAgainst } from './testing/fake-daemon.ts';

const bridgeport = (...argv: string[]) => runAgainst({}, argv);

test('`runCli()` without a command prints the commands', async () => {
  const { code, stdout } = await bridgeport();
  assert.equal(code, 0);
  assert.match(stdout, /^Usage: {2}bridgeport \[OPTIONS\] COMMAND\n/);
  assert.match(stdout, /\n {2}run +Create and run a new container from an image\n/);
});

test('`runCli()` prints the help of a command in three ways', async () => {
  const texts = await Promise.all([
    bridgeport('network', 'ls', '--help'),
    bridgeport('help', 'network', 'ls'),
    bridgeport('network', 'ls', '-h'),
  ]);
  for (const { code, stdout } of texts) {
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: {2}bridgeport network ls \[OPTIONS\]\n\nList networks\n/);
  }
});

test('`runCli()` exits 125 for a flag it does not know', async () => {
  const { code, stderr } = await bridgeport('ps', '--foo');
  assert.equal(code, 125);
  assert.equal(
    stderr,
    "unknown flag: --foo\n\nUsage:  bridgeport ps [OPTIONS]\n\nRun 'bridgeport ps --help' for more information\n",
  );
});

test('`runCli()` exits 1 for a command it does not know', async () => {
  const { code, stderr } = await bridgeport('foo');
  assert.equal(code, 1);
  assert.equal(
    stderr,
    "bridgeport: unknown command: bridgeport foo\n\nRun 'bridgeport --help' for more information\n",
  );
  assert.match((await bridgeport('constructor')).stderr, /unknown command/);
});

test('`runCli()` counts arguments', async () => {
  assert.match(
    (await bridgeport('rm')).stderr,
    /^bridgeport: 'bridgeport rm' requires at least 1 argument\n/,
  );
  assert.match((await bridgeport('ps', 'x')).stderr, /^bridgeport: 'bridgeport ps' accepts no arguments\n/);
  assert.match(
    (await bridgeport('rename', 'x')).stderr,
    /^bridgeport: 'bridgeport rename' requires 2 arguments\n/,
  );
});

test('`run -d` creates, starts and prints the id', async () => {
  const { code, stdout, requests } = await runAgainst(
    {
      'POST /containers/create': { status: 201, body: { Id: 'abc', Warnings: ['careful'] } },
      'POST /containers/abc/start': { status: 204 },
    },
    ['run', '-d', '--name', 'web', '-p', '8080:80', 'nginx'],
  );
  assert.equal(code, 0);
  assert.equal(stdout, 'abc\n');
  assert.deepEqual(
    requests.map(({ method, url }) => `${method} ${url}`),
    ['POST /containers/create?name=web', 'POST /containers/abc/start'],
  );
});

for (const [message, code] of [
  ['driver failed programming external connectivity: port is already allocated', 125],
  ['exec: "nope": executable file not found in $PATH', 127],
  ['stat /nope: no such file or directory', 127],
  ['exec /etc/passwd: permission denied', 126],
  ['exec: "/etc": is a directory', 126],
] as const) {
  test(`\`run\` exits ${code} when the daemon says ${JSON.stringify(message)}`, async () => {
    const outcome = await runAgainst(
      {
        'POST /containers/create': { status: 201, body: { Id: 'abc', Warnings: null } },
        'POST /containers/abc/start': { status: 400, body: { message } },
      },
      ['run', '-d', 'nginx', 'nope'],
    );
    assert.equal(outcome.code, code);
    assert.equal(
      outcome.stderr,
      `bridgeport: Error response from daemon: ${message}\n\nRun 'bridgeport run --help' for more information\n`,
    );
  });
}

test('`run` pulls an image that is missing, and tells so on stderr', async () => {
  const { stderr, stdout, requests } = await runAgainst(
    {
      'POST /containers/create': { status: 404, body: { message: 'No such image: nginx:latest' } },
      'POST /images/create': { body: '{"status":"Pulling from library/nginx","id":"latest"}\n' },
    },
    ['run', '-d', 'nginx'],
  );
  assert.equal(stdout, '');
  assert.match(stderr, /^Unable to find image 'nginx:latest' locally\nlatest: Pulling from library\/nginx\n/);
  assert.deepEqual(
    requests.map(({ url }) => url),
    [
      '/containers/create',
      '/images/create?fromImage=docker.io%2Flibrary%2Fnginx&tag=latest',
      '/containers/create',
    ],
  );
});

test('`run --pull never` does not pull', async () => {
  const { code, requests } = await runAgainst(
    { 'POST /containers/create': { status: 404, body: { message: 'No such image: nginx:latest' } } },
    ['run', '--pull', 'never', '-d', 'nginx'],
  );
  assert.equal(code, 125);
  assert.equal(requests.length, 1);
});

test('`rm` goes on after an error, names what went well, and exits 1', async () => {
  const { code, stdout, stderr } = await runAgainst(
    {
      'DELETE /containers/a': { status: 204 },
      'DELETE /containers/b': { status: 409, body: { message: 'b is running' } },
      'DELETE /containers/c': { status: 204 },
    },
    ['rm', 'a', 'b', '/c'],
  );
  assert.deepEqual([code, stdout, stderr], [1, 'a\n/c\n', 'Error response from daemon: b is running\n']);
});

test('`rm -f` does not mind what is gone already', async () => {
  assert.equal((await bridgeport('rm', '-f', 'gone')).code, 0);
  assert.equal((await bridgeport('rm', 'gone')).code, 1);
});

test('`inspect` finds any kind of object, and tells what it does not find', async () => {
  const { code, stdout, stderr } = await runAgainst(
    { 'GET /networks/mynet': { body: '{"Name":"mynet","Big":18446744073709551615}' } },
    ['inspect', 'mynet', 'gone'],
  );
  assert.equal(code, 1);
  assert.equal(stdout, '[\n    {\n        "Name": "mynet",\n        "Big": 18446744073709551615\n    }\n]\n');
  assert.equal(stderr, 'Error: No such object: gone\n');
});

test('`inspect -f` exits 64 for a template that cannot be read', async () => {
  assert.equal((await bridgeport('inspect', '-f', '{{', 'x')).code, 64);
});

test('`system prune` deletes nothing without a yes', async () => {
  const { code, requests } = await runAgainst({}, ['system', 'prune'], 'n\n');
  assert.deepEqual([code, requests.length], [0, 0]);
});

test('`map` draws what the daemon tells, and what the Docker API tells where nobody can look', async () => {
  const told = await runAgainst(
    { 'GET /bridgeport/map': { body: { host: { name: 'h', interfaces: [] }, networks: [], endpoints: [] } } },
    ['map'],
  );
  assert.match(told.stdout, /host h/);
  // To root, an engine with a bridge that this machine does not have is one of another namespace.
  const nowhere = {
    Id: 'a'.repeat(64),
    Name: 'lan',
    Driver: 'bridge',
    Options: { 'com.docker.network.bridge.name': 'bp-nowhere' },
  };
  const fallen = await runAgainst(
    {
      'GET /bridgeport/map': { status: 404, body: { message: 'page not found' } },
      'GET /containers/json': { body: [] },
      'GET /networks': { body: [nowhere] },
      'GET /info': { body: { Name: 'engine' } },
    },
    ['map', '--json'],
  );
  const { host, networks } = JSON.parse(fallen.stdout);
  assert.deepEqual([host.name, host.interfaces, networks[0].bridge.name], ['engine', [], 'bp-nowhere']);
  assert.match(host.note, process.getuid?.() === 0 ? /another network namespace/ : /takes root/);
});

const CHANGED = { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '9090' }] };

for (const [command, method] of [
  ['add', 'POST'],
  ['rm', 'DELETE'],
] as const) {
  test(`\`port ${command}\` sends what \`run -p\` would ask for, and prints what changed`, async () => {
    const { code, stdout, requests } = await runAgainst(
      {
        [`${method} /bridgeport/containers/web/ports`]: {
          body: { Ports: { ...CHANGED, '53/udp': [] }, Changed: CHANGED },
        },
      },
      ['port', command, 'web', '9090:80', '127.0.0.1:5353:53/udp'],
    );
    assert.equal(code, 0);
    assert.equal(stdout, '80/tcp -> 0.0.0.0:9090\n');
    assert.deepEqual(requests.at(-1)?.body, {
      PortBindings: {
        '80/tcp': [{ HostIp: '', HostPort: '9090' }],
        '53/udp': [{ HostIp: '127.0.0.1', HostPort: '5353' }],
      },
    });
  });
}

test('`port CONTAINER` lists as before, and its help tells of the commands below it', async () => {
  const inspected = { NetworkSettings: { Ports: CHANGED } };
  const listed = await runAgainst({ 'GET /containers/web/json': { body: inspected } }, ['port', 'web']);
  assert.equal(listed.stdout, '80/tcp -> 0.0.0.0:9090\n');
  const help = await runAgainst({}, ['port', '--help']);
  assert.match(help.stdout, /Commands:\n {2}add {2}Publish more ports/);
});
