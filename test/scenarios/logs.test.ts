/** Output of containers: all of it, in order, rotated when asked, whatever becomes of daemon and reader. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { background } from '../harness/background.ts';
import { inspect } from '../harness/container.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

const LINES = 60_000;
const FAST = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo line $i; done`;

describe('Logs', () => {
  const stage = useStage({ images: ['busybox'] });

  it('are json-file’s lines', async () => {
    const { cli } = stage;
    await cli('run', '--name', 'talker', 'busybox', 'sh', '-c', 'echo out; echo err >&2; printf unfinished');
    const path = await inspect(cli, 'talker', '{{.LogPath}}');
    const id = await inspect(cli, 'talker', '{{.Id}}');
    assert.match(path, new RegExp(`/containers/${id}/${id}-json\\.log$`));
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const records = lines.map((line) => JSON.parse(line) as { log: string; stream: string; time: string });
    assert.deepEqual(records.map(({ log, stream }) => [log, stream]).sort(), [
      ['err\n', 'stderr'],
      ['out\n', 'stdout'],
      ['unfinished', 'stdout'],
    ]);
    for (const { time } of records) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z$/);
  });

  it('rotate by size and count, and are read over all files', async () => {
    const { cli } = stage;
    await cli(
      ...['run', '--name', 'talker', '--log-opt', 'max-size=20k', '--log-opt', 'max-file=3', 'busybox'],
      ...['sh', '-c', 'i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo line $i; done'],
    );
    const path = await inspect(cli, 'talker', '{{.LogPath}}');
    assert.ok(existsSync(`${path}.1`) && existsSync(`${path}.2`) && !existsSync(`${path}.3`));
    for (const file of [path, `${path}.1`, `${path}.2`]) {
      assert.ok(statSync(file).size <= 20_480 + 200, `${file}: ${statSync(file).size} bytes`);
    }
    const lines = (await cli('logs', 'talker')).split('\n');
    const first = Number(lines[0]?.split(' ')[1]);
    assert.ok(first > 1, 'the oldest are gone');
    assert.deepEqual(
      lines,
      lines.map((_, index) => `line ${first + index}`),
    );
    assert.equal(lines.at(-1), 'line 1000');
    assert.equal(await cli('logs', '--tail', '3', 'talker'), 'line 998\nline 999\nline 1000');
    assert.equal((await cli('logs', '--tail', '400', 'talker')).split('\n')[0], 'line 601');
  });

  it('are followed over a rotation', async () => {
    const { cli } = stage;
    const script =
      'while [ ! -e /go ]; do sleep 0.05; done; i=0; while [ $i -lt 600 ]; do i=$((i+1)); echo line $i; done';
    await cli(
      'run',
      '-d',
      '--name',
      'talker',
      '--log-opt',
      'max-size=4k',
      '--log-opt',
      'max-file=50',
      'busybox',
      'sh',
      '-c',
      script,
    );
    await using follower = background([...cli.command, 'logs', '-f', 'talker'], cli.env);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await cli('exec', 'talker', 'touch', '/go');
    assert.equal(await follower.end(), 0);
    const lines = follower.output.trimEnd().split('\n');
    assert.deepEqual(
      lines,
      Array.from({ length: 600 }, (_, index) => `line ${index + 1}`),
    );
  });

  it('lose nothing of a fast writer: 50 MB', { timeout: 90_000 }, async (t) => {
    const { cli } = stage;
    const from = performance.now();
    // 800,000 lines of 64 bytes with a number, as fast as they can be written.
    const script = 'awk \'BEGIN { for (i = 1; i <= 800000; i++) printf "%063d\\n", i }\'';
    await cli('run', '-d', '--name', 'writer', 'busybox', 'sh', '-c', script);
    assert.equal(await cli('wait', 'writer'), '0');
    t.diagnostic(`51.2 MB in ${((performance.now() - from) / 1000).toFixed(1)} s`);
    const { stdout } = await cli.attempt(['logs', 'writer'], { timeout: 60_000 });
    assert.equal(stdout.length, 800_000 * 64);
    const lines = stdout.trimEnd().split('\n');
    assert.ok(lines.every((line, index) => Number(line) === index + 1));
  });

  it('lose no more than one read of a fast writer when the daemon is killed under it', {
    timeout: 90_000,
  }, async () => {
    const { cli, daemon } = stage;
    await cli('run', '-d', '--name', 'writer', 'busybox', 'sh', '-c', FAST);
    await soon(async () => assert.match(await cli('logs', '--tail', '1', 'writer'), /line/));
    await daemon.kill();
    await daemon.start();
    assert.equal(await cli('wait', 'writer'), '0');
    const numbers = (await cli('logs', 'writer'))
      .split('\n')
      .map((line) => Number(/^line (\d+)$/.exec(line)?.[1]));
    assert.equal(numbers.at(-1), LINES);
    const gaps = numbers.flatMap((number, index) =>
      number === (numbers[index - 1] ?? 0) + 1 ? [] : [index],
    );
    // What a process has read and not yet written goes with it: 64 KiB at most, a pipe's content (pipe(7)).
    assert.ok(gaps.length <= 1, `gaps at ${gaps}`);
    assert.ok(
      (LINES - numbers.length) * 'line 12345\n'.length <= 65_536,
      `${LINES - numbers.length} lines are missing`,
    );
  });

  it('do not hold up a container that nobody reads', async () => {
    const { cli } = stage;
    await using idle = background(
      [
        ...cli.command,
        'run',
        '--name',
        'writer',
        'busybox',
        'sh',
        '-c',
        'seq 1 300000; touch /done; sleep 1',
      ],
      cli.env,
    );
    await idle.see(/300000/, 20_000);
    assert.equal(await idle.end(), 0);
    assert.equal(
      (await cli.attempt(['run', '--name', 'mute', '--log-driver', 'none', 'busybox', 'seq', '1', '9'])).code,
      0,
    );
    const { code, stderr } = await cli.attempt(['logs', 'mute']);
    assert.notEqual(code, 0);
    assert.match(stderr, /logging driver does not support reading|does not support reading/);
  });

  it('hold lines longer than a buffer, and bytes that are no text', async () => {
    const { cli } = stage;
    const { stdout } = await cli.attempt([
      'run',
      '--name',
      'long',
      'busybox',
      'sh',
      '-c',
      'head -c 100000 /dev/zero | tr "\\0" x; echo',
    ]);
    assert.equal(stdout.length, 100_001);
    assert.equal((await cli('logs', 'long')).length, 100_000);
  });

  it('go on after a restart of the container, and go with it', async () => {
    const { cli } = stage;
    await cli('run', '--name', 'talker', 'busybox', 'echo', 'once');
    assert.equal(await cli('start', '-a', 'talker'), 'once');
    assert.equal(await cli('logs', 'talker'), 'once\nonce');
    const path = await inspect(cli, 'talker', '{{.LogPath}}');
    await cli('rm', 'talker');
    assert.ok(!existsSync(path));
  });

  it('--since and --until take times and durations', async () => {
    const { cli } = stage;
    await cli('run', '--name', 'talker', 'busybox', 'sh', '-c', 'echo early; sleep 1.5; echo late');
    const [, late = ''] = (await cli('logs', '-t', 'talker'))
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '');
    assert.equal(await cli('logs', '--since', late, 'talker'), 'late');
    assert.equal(await cli('logs', '--until', late, 'talker'), 'early\nlate');
    assert.equal(await cli('logs', '--since', '1h', 'talker'), 'early\nlate');
    assert.equal(await cli('logs', '--until', '1h', 'talker'), '');
  });
});

describe('Logs with live-restore', () => {
  const stage = useStage({ images: ['busybox'], config: { 'live-restore': true } });

  it('lose nothing of a fast writer when the daemon is restarted under it', { timeout: 90_000 }, async () => {
    const { cli, daemon } = stage;
    await cli('run', '-d', '--name', 'writer', 'busybox', 'sh', '-c', FAST);
    await soon(async () => assert.match(await cli('logs', '--tail', '1', 'writer'), /line/));
    await daemon.restart();
    assert.equal(await cli('wait', 'writer'), '0');
    const lines = (await cli('logs', 'writer')).split('\n');
    const wrong = lines.findIndex((line, index) => line !== `line ${index + 1}`);
    assert.equal(wrong, -1, `at ${wrong}: ${lines.slice(wrong - 1, wrong + 2)}`);
    assert.equal(lines.length, LINES);
  });
});
