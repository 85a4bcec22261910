/** The API as other people's clients use it: the docker command line, dockerode and Debian's python3-docker. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import Docker from 'dockerode';
import { pack } from 'tar-stream';
import { startDaemon, type TestDaemon } from './testing/daemon.ts';

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(
  command: string,
  args: string[],
  daemon: TestDaemon,
  stdin: string | Buffer = '',
): Promise<Outcome> {
  const child = spawn(command, args, {
    timeout: 20_000,
    env: {
      PATH: process.env.PATH,
      HOME: daemon.directory,
      DOCKER_CONFIG: daemon.directory,
      DOCKER_HOST: `unix://${daemon.socket}`,
    },
  });
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  const outputs = Promise.all([text(child.stdout), text(child.stderr)]);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', async (code) => {
      const [stdout, stderr] = await outputs;
      resolve({ code, stdout, stderr });
    });
  });
}

const has = (command: string, ...args: string[]) =>
  spawnSync(command, args, { timeout: 20_000 }).status === 0;
const noDocker = has('docker', '--version') ? false : 'the docker command line is not installed';
const noPython = has('/usr/bin/python3', '-c', 'import docker') ? false : 'python3-docker is not installed';

async function tarOf(name: string, content: string): Promise<Buffer> {
  const stream = pack();
  stream.entry({ name }, content);
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function withWeb(tar?: Buffer): Promise<TestDaemon> {
  const daemon = await startDaemon(tar === undefined ? {} : { tar: () => tar });
  const web = daemon.engine.add('web', { Image: 'web', Cmd: ['cat'] }, true);
  const time = '2026-11-22T05:16:09.1Z';
  web.log.push({ stream: 'stdout', time, data: Buffer.from('hello\n') });
  web.log.push({ stream: 'stderr', time, data: Buffer.from('oops\n') });
  return daemon;
}

test('docker lists and shows what there is', { skip: noDocker }, async () => {
  await using daemon = await withWeb();
  const cases: Array<[string[], RegExp]> = [
    [['ps', '-a', '--no-trunc'], /"cat".*Up 2 seconds.*0\.0\.0\.0:8080->80\/tcp.*web/],
    [['ps', '--filter', 'status=running', '--format', '{{.Names}}'], /^web$/m],
    [['inspect', '--format', '{{.Name}} {{.State.Pid}}', 'web'], /^\/web 4242$/m],
    [['port', 'web'], /80\/tcp -> 0\.0\.0\.0:8080/],
    [['top', 'web'], /PID\s+CMD\n1\s+sh/],
    [['images'], /web\s+latest\s+abababababab/],
    [['image', 'inspect', '--format', '{{.Architecture}}', 'localhost:5000/team/web:1'], /^amd64$/m],
    [['history', 'web'], /abababababab/],
    [['network', 'ls'], /cdcdcdcdcdcd\s+bridge\s+bridge\s+local/],
    [['network', 'inspect', 'bridge'], /"Subnet": "172\.17\.0\.0\/16"/],
    [['volume', 'create', 'data'], /^data$/m],
    [['volume', 'ls', '-q'], /^data$/m],
    [['version', '--format', '{{.Server.APIVersion}}'], /^1\.51$/m],
    [['info', '--format', '{{.ServerVersion}}'], /^0\.1\.0$/m],
    [['system', 'df'], /Local Volumes/],
    [['events', '--until', '0'], /container start 0101.*\(image=web, name=web\)/],
    [['stats', '--no-stream', 'web'], /1MiB \/ 64MiB/],
    [['pull', 'localhost:5000/team/web:1'], /Status: Downloaded newer image/],
    [['tag', 'web', 'localhost:5000/a/b:2'], /^$/],
    [['rmi', 'localhost:5000/a/b:2'], /Untagged: localhost:5000\/a\/b:2/],
    [['plugin', 'ls'], /ID/],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await run('docker', args, daemon);
    assert.equal(code, 0, `docker ${args.join(' ')}: ${stderr}`);
    assert.match(stdout, expected);
  }
});

test('docker logs splits the outputs', { skip: noDocker }, async () => {
  await using daemon = await withWeb();
  const { stdout, stderr } = await run('docker', ['logs', '-t', 'web'], daemon);
  assert.equal(stdout, '2026-11-22T05:16:09.100000000Z hello\n');
  assert.equal(stderr, '2026-11-22T05:16:09.100000000Z oops\n');
});

test('docker run -i sends input, shows both outputs and returns the exit code', {
  skip: noDocker,
}, async () => {
  await using daemon = await startDaemon();
  const input = `${'x'.repeat(300_000)}\n`;
  const outcome = await run('docker', ['run', '-i', '--name', 'cat', 'web', 'cat'], daemon, input);
  assert.equal(outcome.stderr, '');
  assert.equal(outcome.stdout, input);
  assert.equal(outcome.code, 7);
  const refused = await run('docker', ['run', '--name', 'cat', 'web'], daemon);
  assert.equal(refused.code, 125);
  assert.match(refused.stderr, /Conflict\. The container name "\/cat" is already in use/);
});

test('docker exec, with and without a terminal', { skip: noDocker }, async () => {
  await using daemon = await withWeb();
  const plain = await run('docker', ['exec', 'web', 'echo', 'hi'], daemon);
  assert.deepEqual(plain, { code: 3, stdout: 'echo hi\n', stderr: 'to stderr\n' });
  const input = await run('docker', ['exec', '-i', 'web', 'cat'], daemon, 'in and out\n');
  assert.deepEqual(input, { code: 3, stdout: 'in and out\n', stderr: '' });
  const terminal = await run('docker', ['exec', '-t', 'web', 'echo', 'hi'], daemon);
  assert.equal(terminal.stdout, 'echo hi\nto stderr\n');
  assert.equal((await run('docker', ['exec', '-d', 'web', 'true'], daemon)).code, 0);
});

test('docker cp, save, load, import and export move files', { skip: noDocker }, async () => {
  await using daemon = await withWeb(await tarOf('hosts', 'inside'));
  const at = (name: string) => join(daemon.directory, name);
  mkdirSync(at('in'));
  writeFileSync(at('in/file'), 'outside');
  const steps: string[][] = [
    ['cp', 'web:/etc/hosts', at('hosts')],
    ['cp', at('in/file'), 'web:/tmp/file'],
    ['save', '-o', at('saved.tar'), 'web'],
    ['export', '-o', at('exported.tar'), 'web'],
    ['load', '-i', at('saved.tar')],
    ['import', at('saved.tar'), 'web:imported'],
  ];
  for (const args of steps) {
    const { code, stderr } = await run('docker', args, daemon);
    assert.equal(code, 0, `docker ${args.join(' ')}: ${stderr}`);
  }
  assert.equal(readFileSync(at('hosts'), 'utf8'), 'inside');
  assert.equal(readFileSync(at('exported.tar')).includes('inside'), true);
  assert.deepEqual(
    daemon.engine.uploads.map(({ path }) => path),
    ['/tmp', 'web:imported'],
  );
});

test('docker says what is not built', { skip: noDocker }, async () => {
  await using daemon = await withWeb();
  writeFileSync(join(daemon.directory, 'Dockerfile'), 'FROM scratch\n');
  const cases: Array<[string[], RegExp]> = [
    [['swarm', 'init'], /swarm mode is not implemented by Bridgeport yet/],
    [['service', 'ls'], /This node is not a swarm manager/],
    [['search', 'x'], /searching a registry is not implemented/],
    [['push', 'web'], /pushing an image is not implemented/],
    [['rm', 'web'], /cannot remove container "\/web"/],
    [['inspect', 'nosuch'], /no such object: nosuch/i],
  ];
  for (const [args, expected] of cases) {
    const { code, stderr } = await run('docker', args, daemon);
    assert.equal(code, 1, `docker ${args.join(' ')}: ${stderr}`);
    assert.match(stderr, expected);
  }
});

test('dockerode creates, attaches, waits, execs and removes', async () => {
  await using daemon = await withWeb();
  const docker = new Docker({ socketPath: daemon.socket });
  const container = await docker.createContainer({
    Image: 'web',
    Cmd: ['cat'],
    OpenStdin: true,
    name: 'node',
  });
  const stream = await container.attach({
    stream: true,
    stdin: true,
    stdout: true,
    stderr: true,
    hijack: true,
  });
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  docker.modem.demuxStream(stream, stdout, stderr);
  await container.start();
  const waited = container.wait();
  stream.write('to stdout\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  stream.write('!to stderr\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  stream.end();
  assert.equal(((await waited) as { StatusCode: number }).StatusCode, 7);
  stdout.end();
  stderr.end();
  assert.equal(await text(stdout), 'to stdout\n');
  assert.equal(await text(stderr), '!to stderr\n');

  const exec = await docker
    .getContainer('web')
    .exec({ Cmd: ['echo', 'hi'], AttachStdout: true, AttachStderr: true });
  // no upgrade here: dockerode reads the answer as an ordinary response
  const output = await text((await exec.start({})) as unknown as Readable);
  assert.match(output, /echo hi\n/);
  assert.equal((await exec.inspect()).ExitCode, 3);
  const logs = await docker.getContainer('web').logs({ stdout: true, stderr: true });
  assert.match(String(logs), /hello\n/);
  await container.remove({ force: true });
  await assert.rejects(container.inspect(), { statusCode: 404, reason: 'no such container' });

  const progress = await docker.pull('localhost:5000/web:1');
  const messages = await new Promise<object[]>((resolve, reject) =>
    docker.modem.followProgress(progress, (error, list) => (error ? reject(error) : resolve(list))),
  );
  assert.equal(messages.length, 3);
  assert.equal((await docker.listContainers({ all: true })).length, 1);
});

const PYTHON = `
import docker, json
client = docker.from_env()
assert client.ping()
assert [c.name for c in client.containers.list()] == ['web'], client.containers.list()
c = client.containers.run('web', ['exit', '3'], detach=True, name='py', ports={'80/tcp': 8080}, mem_limit='64m',
                          environment={'A': '1'}, labels=['x'], restart_policy={'Name': 'on-failure', 'MaximumRetryCount': 2})
assert c.wait()['StatusCode'] == 3
c.remove(force=True)
web = client.containers.get('web')
assert web.logs(stdout=True, stderr=False, tail=5) == b'hello\\noops\\n', web.logs()
code, output = web.exec_run(['echo', 'hi'], demux=True)
assert (code, output) == (3, (b'echo hi\\n', b'to stderr\\n')), (code, output)
code, output = web.exec_run(['echo', 'hi'], tty=True)
assert output == b'echo hi\\nto stderr\\n', output
sock = web.attach_socket(params={'stdin': 1, 'stdout': 1, 'stderr': 1, 'stream': 1})
sock._sock.sendall(b'ping\\n')
assert sock.read(13) == b'\\x01\\0\\0\\0\\0\\0\\0\\x05ping\\n'
sock.close()
assert next(web.stats(decode=True))['name'] == '/web'
try:
    client.containers.get('nosuch')
    raise AssertionError('found')
except docker.errors.NotFound as error:
    assert 'No such container: nosuch' in str(error), error
assert client.images.get('web').id.startswith('sha256:')
assert len(client.images.list()) == 2
client.images.pull('localhost:5000/web', tag='1')
bits, stat = web.get_archive('/etc/hosts')
assert stat['name'] == 'hosts', stat
assert web.put_archive('/tmp', b''.join(bits))
assert client.networks.get('bridge').name == 'bridge'
client.volumes.create('pyvolume').remove()
client.containers.prune(filters={'label': 'x'})
print(json.dumps(client.version()['ApiVersion']))
`;

test('python3-docker runs, execs, attaches and removes', { skip: noPython }, async () => {
  await using daemon = await withWeb();
  const { code, stdout, stderr } = await run('/usr/bin/python3', ['-c', PYTHON], daemon);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '"1.51"\n');
});
