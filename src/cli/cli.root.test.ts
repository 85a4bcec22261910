import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pack } from 'tar-stream';

/*
 * The command line against a real daemon, ours or a Docker Engine: `BRIDGEPORT_TEST_HOST=unix:///run/bridgeport.sock`.
 * Everything it makes there has a name of its own and is removed.
 */

const host = process.env.BRIDGEPORT_TEST_HOST;
const busybox = '/bin/busybox';
const skip = !host
  ? 'BRIDGEPORT_TEST_HOST names no daemon'
  : existsSync(busybox)
    ? false
    : `${busybox} is missing (Debian: busybox-static)`;

const MAIN = new URL('./main.ts', import.meta.url).pathname;
const unique = `clitest-${randomBytes(4).toString('hex')}`;
const image = `${unique}:latest`;

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs one command line; `input` is its stdin. `-- ` keeps Node from reading `--env-file` for itself. */
function bridgeport(args: string[], input: string | Buffer = ''): Promise<Result> {
  const child = spawn(process.execPath, ['--', MAIN, ...args], {
    env: { ...process.env, BRIDGEPORT_HOST: host },
  });
  child.stdin.end(input);
  return finished(child);
}

function finished(child: ChildProcess): Promise<Result> {
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ['', ''];
    child.stdout!.on('data', (chunk: Buffer) => {
      stdout += chunk;
    });
    child.stderr!.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({ code: code ?? 128, stdout, stderr: signal ? `${stderr}${signal}` : stderr }),
    );
  });
}

async function ok(args: string[], input: string | Buffer = ''): Promise<string> {
  const { code, stdout, stderr } = await bridgeport(args, input);
  assert.equal(code, 0, `bridgeport ${args.join(' ')}: ${stderr}`);
  return stdout.trimEnd();
}

/** A command on a terminal: script(1) makes one. Types each answer when its question is on the screen. */
async function onTerminal(
  args: string[],
  dialogue: Array<[question: string, answer: string]>,
): Promise<Result> {
  const words = [process.execPath, '--', MAIN, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', `stty rows 33 cols 99; ${words}`, '/dev/null'], {
    env: { ...process.env, BRIDGEPORT_HOST: host, SHELL: '/bin/sh' },
  });
  let screen = '';
  const rest = [...dialogue];
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk;
    const [next] = rest;
    if (next && screen.includes(next[0])) {
      rest.shift();
      screen = '';
      child.stdin.write(next[1]);
    }
  });
  return finished(child);
}

/** An archive with a static busybox and links to it, enough for a shell. */
async function rootfs(): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: 'bin/', type: 'directory', mode: 0o755 });
  archive.entry({ name: 'bin/busybox', mode: 0o755 }, readFileSync(busybox));
  for (const name of ['sh', 'cat', 'echo', 'sleep', 'stty', 'true', 'ls']) {
    archive.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' });
  }
  archive.entry({ name: 'tmp/', type: 'directory', mode: 0o1777 });
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('the command line against a daemon', { skip, timeout: 120_000 }, () => {
  before(async () => {
    assert.match(await ok(['import', '-', image], await rootfs()), /^sha256:[\da-f]{64}$/);
    await ok([
      'run',
      '-d',
      '--name',
      unique,
      '-p',
      '127.0.0.1::80',
      '-l',
      `test=${unique}`,
      image,
      'sleep',
      '1000',
    ]);
  });

  after(async () => {
    const left = await ok(['ps', '-aq', '--filter', `ancestor=${image}`]);
    if (left !== '') await ok(['rm', '-f', ...left.split('\n')]);
    await ok(['rmi', '-f', image]);
  });

  test('`ps` and `images` list what was made', async () => {
    const line = await ok([
      'ps',
      '--filter',
      `label=test=${unique}`,
      '--format',
      '{{.Names}} {{.Image}} {{.State}}',
    ]);
    assert.equal(line, `${unique} ${image} running`);
    assert.match(await ok(['images', unique]), new RegExp(`^REPOSITORY .*\\n${unique} +latest `));
  });

  test('`port` and `inspect` agree on the published port', async () => {
    const told = await ok(['port', unique, '80']);
    const inspected = await ok([
      'inspect',
      '-f',
      '{{with index .NetworkSettings.Ports "80/tcp"}}{{with index . 0}}{{.HostIp}}:{{.HostPort}}{{end}}{{end}}',
      unique,
    ]);
    assert.equal(told, inspected);
  });

  test('`run` passes streams and the exit code through', async () => {
    const result = await bridgeport(['run', '--rm', image, 'sh', '-c', 'echo out; echo err >&2; exit 7']);
    assert.deepEqual(result, { code: 7, stdout: 'out\n', stderr: 'err\n' });
  });

  test('`run -i` ends the container’s input with its own', async () => {
    assert.equal(await ok(['run', '-i', '--rm', image, 'cat'], 'hello\nworld\n'), 'hello\nworld');
  });

  test('`run` exits 127 for a command that is not there', async () => {
    assert.equal((await bridgeport(['run', '--rm', image, '/nope'])).code, 127);
  });

  test('`run -it` gives a terminal of our size, with raw keys', async () => {
    const { code, stdout } = await onTerminal(
      ['run', '-it', '--rm', image, 'sh'],
      [
        ['# ', 'stty size\r'],
        ['33 99', 'exit 5\r'],
      ],
    );
    assert.equal(code, 5, stdout);
  });

  test('`run -it` is left by the detach keys, and `attach` comes back', async () => {
    const name = `${unique}-detach`;
    const left = await onTerminal(['run', '-it', '--name', name, image, 'sh'], [['# ', '\x10\x11']]);
    assert.equal(left.code, 0, left.stdout);
    assert.equal(await ok(['inspect', '-f', '{{.State.Running}}', name]), 'true');
    const back = await onTerminal(['attach', name], [['# ', 'exit 4\r']]);
    assert.equal(back.code, 4, back.stdout);
  });

  test('`exec` runs beside, with and without a terminal', async () => {
    assert.equal(await ok(['exec', '-e', 'A=1', unique, 'sh', '-c', 'echo $A']), '1');
    assert.equal((await bridgeport(['exec', unique, 'sh', '-c', 'exit 9'])).code, 9);
    const { code } = await onTerminal(['exec', '-it', unique, 'sh'], [['# ', 'exit 3\r']]);
    assert.equal(code, 3);
  });

  test('`logs` tells what a container wrote, apart by stream', async () => {
    const name = `${unique}-logs`;
    await bridgeport(['run', '--name', name, image, 'sh', '-c', 'echo out; echo err >&2']);
    assert.deepEqual(await bridgeport(['logs', name]), { code: 0, stdout: 'out\n', stderr: 'err\n' });
    assert.match(await ok(['logs', '-t', '-n', '1', name]), /^\d{4}-\d\d-\d\dT[\d:.]+Z out$|^$/);
  });

  test('a signal to `run` reaches the container', async () => {
    const child = spawn(
      process.execPath,
      [
        '--',
        MAIN,
        'run',
        '--rm',
        image,
        'sh',
        '-c',
        'trap "exit 6" TERM; echo ready; while :; do sleep 0.1; done',
      ],
      { env: { ...process.env, BRIDGEPORT_HOST: host } },
    );
    child.stdin.end();
    child.stdout.once('data', () => child.kill('SIGTERM'));
    assert.equal((await finished(child)).code, 6);
  });

  test('`cp` copies both ways', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'bridgeport-cli-cp-'));
    try {
      await ok(['cp', MAIN, `${unique}:/tmp/there`]);
      await ok(['cp', `${unique}:/tmp/there`, join(directory, 'back')]);
      assert.deepEqual(readFileSync(join(directory, 'back')), readFileSync(MAIN));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('`run --env-file` is read by us, not by Node', async () => {
    const { code, stderr } = await bridgeport(['run', '--env-file', '/nonexistent', image]);
    assert.equal(code, 125);
    assert.match(stderr, /^bridgeport: open \/nonexistent: no such file or directory\n/);
  });

  test('`map` draws the container with its address', async () => {
    const address = await ok(['inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', unique]);
    const picture = await ok(['map', 'bridge']);
    assert.match(picture, new RegExp(`● ${unique}`));
    assert.ok(picture.includes(address));
  });
});
