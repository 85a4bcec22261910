/** `docker cp`, `export`, `import`, `diff` and `system df`, with docker's own command line. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chownSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, it } from 'node:test';
import { background } from '../harness/background.ts';
import { ok } from '../harness/exec.ts';
import { tar } from '../harness/images.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

describe('files in and out of containers', () => {
  const stage = useStage({ name: 'cp', images: ['busybox'] });
  const folder = () => mkdtempSync(join(stage.daemon.root, 'files-'));
  const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
  const peak = () =>
    Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${stage.daemon.pid}/status`, 'utf8'))?.[1]) / 1024;
  const put = (container: string, path: string, body: Buffer) =>
    stage.daemon.api('PUT', `/containers/${container}/archive?path=${path}`, body, {
      'content-type': 'application/x-tar',
    });

  for (const state of ['running', 'stopped'] as const) {
    it(`\`docker cp\` copies files, folders and links both ways (${state} container)`, async () => {
      const { cli } = stage;
      const local = folder();
      mkdirSync(join(local, 'tree/sub'), { recursive: true });
      writeFileSync(join(local, 'file'), Buffer.alloc(100_000, 'abc'), { mode: 0o750 });
      writeFileSync(join(local, 'tree/sub/inner'), 'inner');
      symlinkSync('sub/inner', join(local, 'tree/link'));
      await cli('run', '-d', '--name', 'cc', '-v', 'vol:/data', 'busybox', 'sleep', '600');
      if (state === 'stopped') await cli('kill', 'cc');
      await cli('cp', join(local, 'file'), 'cc:/tmp/renamed');
      await cli('cp', join(local, 'file'), 'cc:/tmp/');
      await cli('cp', join(local, 'tree'), 'cc:/opt');
      await cli('cp', `${join(local, 'tree')}/.`, 'cc:/data');
      const out = folder();
      for (const name of ['renamed', 'file']) await cli('cp', `cc:/tmp/${name}`, out);
      await cli('cp', 'cc:/opt', out);
      await cli('cp', 'cc:/data/.', join(out, 'volume'));
      await cli('cp', 'cc:/data/link', join(out, 'link'));
      await cli('cp', '-L', 'cc:/data/link', join(out, 'followed'));
      assert.equal(sha256(join(out, 'renamed')), sha256(join(local, 'file')));
      assert.equal(sha256(join(out, 'file')), sha256(join(local, 'file')));
      assert.equal(statSync(join(out, 'file')).mode & 0o777, 0o750);
      for (const root of ['opt', 'volume']) {
        assert.equal(readFileSync(join(out, root, 'sub/inner'), 'utf8'), 'inner');
        assert.equal(readlinkSync(join(out, root, 'link')), 'sub/inner');
      }
      assert.equal(readlinkSync(join(out, 'link')), 'sub/inner');
      assert.equal(readFileSync(join(out, 'followed'), 'utf8'), 'inner');
      if (state === 'stopped') await cli('start', 'cc');
      // The container agrees, and its volume is the volume.
      assert.match(
        await cli('exec', 'cc', 'sha256sum', '/tmp/renamed'),
        new RegExp(sha256(join(local, 'file'))),
      );
      assert.equal(await cli('exec', 'cc', 'cat', '/opt/link', '/data/sub/inner'), 'innerinner');
      assert.match(await cli('exec', 'cc', 'cat', '/etc/hosts'), /localhost/);
      await cli('rm', '-f', 'cc');
      await cli('volume', 'rm', 'vol');
    });

    it(`\`docker cp\` says what is missing or in the way, and changes nothing (${state} container)`, async () => {
      const { cli } = stage;
      const local = folder();
      writeFileSync(join(local, 'file'), 'x');
      await cli(
        ...[
          'run',
          '-d',
          '--name',
          'ro',
          '--read-only',
          '-v',
          'rov:/data:ro',
          '-v',
          `${local}:/rw`,
          'busybox',
          'sleep',
          '600',
        ],
      );
      await cli('create', '--name', 'cc', 'busybox', 'sleep', '600');
      if (state === 'running') await cli('start', 'cc');
      else await cli('kill', 'ro');
      const refused = async (words: RegExp, ...args: string[]) => {
        const { code, stderr } = await cli.attempt(['cp', ...args]);
        assert.equal(code, 1, args.join(' '));
        assert.match(stderr, words);
      };
      const file = join(local, 'file');
      await refused(/container rootfs is marked read-only/, file, 'ro:/x');
      await refused(/mounted volume is marked read-only/, file, 'ro:/data/x');
      await refused(/Could not find the file \/nope in container cc/, 'cc:/nope', local);
      await refused(/Could not find the file \/nope in container cc/, file, 'cc:/nope/x');
      await refused(/No such container: none/, 'none:/x', local);
      await cli('cp', file, 'ro:/rw/copied');
      assert.equal(readFileSync(join(local, 'copied'), 'utf8'), 'x');
      const answer = await put('cc', '/tmp', await tar([{ name: '../evil', content: 'x' }]));
      assert.equal(answer.status, 400);
      assert.match(answer.text, /\\"..\/evil\\" is outside of \\"\/tmp\\"/);
      assert.equal((await put('cc', '/etc/passwd', await tar([]))).status, 400);
      assert.equal((await put('cc', '/tmp', Buffer.alloc(4096, 'junk'))).status, 400);
      const differences = (await cli('diff', 'cc')).split('\n').filter(Boolean);
      assert.deepEqual(differences, []);
      await cli('rm', '-f', 'ro', 'cc');
      await cli('volume', 'rm', 'rov');
    });
  }

  it('a working directory that the image lacks is there from the creation on', async () => {
    const { cli } = stage;
    await cli('create', '--name', 'cc', '-w', '/srv/app/', 'busybox', 'sh', '-c', 'pwd; ls -ld . ; cat note');
    assert.equal(await cli('inspect', '-f', '{{.Config.WorkingDir}}', 'cc'), '/srv/app');
    assert.match(await cli('diff', 'cc'), /^A \/srv\nA \/srv\/app$/m);
    const note = join(folder(), 'note');
    writeFileSync(note, 'copied before the start\n');
    await cli('cp', note, 'cc:/srv/app');
    assert.match(
      await cli('start', '-a', 'cc'),
      /^\/srv\/app\ndrwxr-xr-x +2 (0|root) +(0|root) .*\ncopied before the start$/,
    );
    const refused = await cli.attempt([
      'create',
      '--name',
      'dd',
      '-w',
      '/srv/app/../../etc/passwd/x',
      'busybox',
    ]);
    assert.match(refused.stderr, /Cannot mkdir: \/etc\/passwd\/x is not a directory/);
    assert.equal((await cli.attempt(['inspect', 'dd'])).code, 1);
  });

  it('`docker cp` follows links of the container inside the container only', async () => {
    const { cli } = stage;
    const local = folder();
    const outside = folder();
    writeFileSync(join(outside, 'secret'), 'SECRET');
    writeFileSync(join(local, 'file'), 'x');
    const links = `ln -s ${outside} /out; ln -s /../../../../../../etc/passwd /up; ln -s /proc/1/root/etc /magic; mkdir -p ${outside}`;
    await cli('run', '-d', '--name', 'cc', '--pid', 'host', 'busybox', 'sh', '-c', `${links}; sleep 600`);
    await soon(async () => assert.equal(await cli('exec', 'cc', 'readlink', '/magic'), '/proc/1/root/etc'));
    await cli('cp', join(local, 'file'), 'cc:/out/planted');
    assert.deepEqual(readdirSync(outside), ['secret']);
    assert.equal(await cli('exec', 'cc', 'cat', `${outside}/planted`), 'x');
    assert.equal((await cli.attempt(['cp', 'cc:/out/secret', local])).code, 1);
    assert.equal((await cli.attempt(['cp', join(local, 'file'), 'cc:/magic/planted'])).code, 1);
    await cli('cp', '-L', 'cc:/up', join(local, 'passwd'));
    assert.equal(
      readFileSync(join(local, 'passwd'), 'utf8'),
      await `${await cli('exec', 'cc', 'cat', '/etc/passwd')}\n`,
    );
    const all = await cli.attempt(['cp', 'cc:/', '-']);
    assert.equal(all.code, 0);
    assert.ok(!all.stdout.includes('SECRET'));
  });

  it('`docker cp -a` gives files to the user that the container runs as; without it they keep their owners', async () => {
    const { cli } = stage;
    const local = folder();
    writeFileSync(join(local, 'file'), 'x');
    chownSync(join(local, 'file'), 1234, 4321);
    await cli('run', '-d', '--name', 'cc', '--user', 'nobody', 'busybox', 'sleep', '600');
    await cli('cp', join(local, 'file'), 'cc:/tmp/kept');
    await cli('cp', '-a', join(local, 'file'), 'cc:/tmp/given');
    assert.equal(
      await cli('exec', 'cc', 'stat', '-c', '%n %u:%g', '/tmp/kept', '/tmp/given'),
      '/tmp/kept 1234:4321\n/tmp/given 65534:65534',
    );
  });

  it('`docker cp` streams 200 MB both ways, with flat memory', async () => {
    const { cli } = stage;
    const local = folder();
    const big = join(local, 'big');
    const seed = Buffer.from(Array.from({ length: 1 << 20 }, (_, index) => (index * 2_654_435_761) >>> 24));
    async function* blocks() {
      for (let index = 0; index < 200; index++) {
        seed.writeUInt32LE(index);
        yield Buffer.from(seed);
      }
    }
    await pipeline(Readable.from(blocks()), createWriteStream(big));
    const sum = await digest(big);
    await cli('run', '-d', '--name', 'cc', 'busybox', 'sleep', '600');
    // A machine under load may take its time.
    const patient = async (...args: string[]) => {
      const { code, stdout, stderr } = await cli.attempt(args, { timeout: 120_000 });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    await patient('cp', big, 'cc:/big');
    // What Node's heap settles at is reached by the first copy; nothing may be added to it by more.
    const settled = peak();
    await patient('cp', 'cc:/big', join(local, 'back'));
    assert.equal(await digest(join(local, 'back')), sum);
    await patient('cp', big, 'cc:/again');
    assert.equal((await patient('exec', 'cc', 'sha256sum', '/again')).split(' ')[0], sum);
    assert.ok(peak() < settled + 64, `${settled} MB, then ${peak()} MB`);
    assert.ok(peak() < 350, `${peak()} MB at most`);
  });

  it('a reader that stops reading stops the daemon; one that goes away leaves no descriptor', async () => {
    const { cli, daemon } = stage;
    await cli('run', '-d', '--name', 'cc', 'busybox', 'sh', '-c', 'truncate -s 8G /huge; sleep 600');
    const descriptors = () => readdirSync(`/proc/${daemon.pid}/fd`).length;
    const before = descriptors();
    const memory = peak();
    const ask = request({
      socketPath: daemon.socket,
      path: '/containers/cc/archive?path=/huge',
      agent: false,
    });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      ask.once('response', resolve);
      ask.once('error', reject);
      ask.end();
    });
    response.once('error', () => {});
    response.pause();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.ok(peak() < memory + 64, `${memory} MB, then ${peak()} MB`);
    response.destroy();
    // Fewer is fine: what an earlier request had open may have been counted.
    await soon(() => assert.ok(descriptors() <= before, `${before} descriptors, then ${descriptors()}`));
  });

  it('a stopped container starts when the copy has ended, and has it', async () => {
    const { cli, daemon } = stage;
    await cli('create', '--name', 'cc', 'busybox', 'sleep', '600');
    const body = await tar([{ name: 'late', content: 'x'.repeat(2000) }]);
    const ask = request({
      ...{ socketPath: daemon.socket, method: 'PUT', agent: false },
      path: '/containers/cc/archive?path=/tmp',
      headers: { 'content-type': 'application/x-tar' },
    });
    const answered = new Promise<number>((resolve, reject) => {
      ask.once('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      ask.once('error', reject);
    });
    ask.write(body.subarray(0, 1000));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await using start = background([...cli.command, 'start', 'cc'], cli.env);
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(start.ended, undefined);
    ask.end(body.subarray(1000));
    assert.equal(await answered, 200);
    assert.equal(await start.end(), 0);
    assert.equal((await cli('exec', 'cc', 'cat', '/tmp/late')).length, 2000);
  });

  it('a daemon that is killed in the middle of a copy leaves no mount, and the container starts', async () => {
    const { cli, daemon } = stage;
    await cli('create', '--name', 'cc', '-v', 'kv:/data', 'busybox', 'sleep', '600');
    const body = await tar([{ name: 'half', content: 'x'.repeat(2000) }]);
    const ask = request({
      ...{ socketPath: daemon.socket, method: 'PUT', agent: false },
      path: '/containers/cc/archive?path=/data',
      headers: { 'content-type': 'application/x-tar' },
    });
    ask.once('error', () => {});
    ask.write(body.subarray(0, 1000));
    const volume = join(daemon.dataRoot, 'volumes/kv/_data');
    await soon(() => assert.deepEqual(readdirSync(volume), ['half']));
    await daemon.kill();
    await daemon.expectNoResidue();
    await daemon.start();
    await cli('start', 'cc');
    assert.equal(await cli('exec', 'cc', 'ls', '/data'), 'half');
    await cli('rm', '-f', 'cc');
    await cli('volume', 'rm', 'kv');
  });

  it('`docker export` and `docker import` carry a whole file system over', async () => {
    const { cli } = stage;
    const local = folder();
    const make =
      'mkdir -p /made/deep; echo one >/made/one; ln /made/one /made/hard; ln -s one /made/soft; chmod 4711 /made/one; chown 12:34 /made/deep; mkfifo /made/fifo; rm /bin/vi';
    await cli('run', '--name', 'cc', '-v', '/kept/out', 'busybox', 'sh', '-c', `${make}; echo >/kept/out/x`);
    const listing = [
      'find',
      '/made',
      '/bin',
      '/etc/passwd',
      '/kept',
      '-exec',
      'stat',
      '-c',
      '%n %F %a %u:%g %h %Y %N',
      '{}',
      ';',
    ];
    await cli('export', '-o', join(local, 'root.tar'), 'cc');
    await cli('import', '-c', 'CMD sleep 600', join(local, 'root.tar'), 'copy');
    await cli('start', 'cc');
    await cli('wait', 'cc');
    await cli('run', '-d', '--name', 'dd', 'copy');
    const copied = await cli('exec', 'dd', ...listing);
    assert.ok(!copied.includes('/bin/vi '), 'what was removed stays removed');
    assert.ok(!copied.includes('/kept/out/x'), 'volumes are not exported');
    assert.match(copied, /^\/made\/one regular file 4711 0:0 2 /m);
    assert.match(copied, /^\/made\/deep directory 755 12:34 /m);
    assert.match(copied, /^\/made\/soft symbolic link .*'one'$/m);
    assert.match(copied, /^\/made\/fifo fifo /m);
    // The running copy exports the same: its mounts are not in it.
    await cli('export', '-o', join(local, 'again.tar'), 'dd');
    const names = async (file: string) =>
      (await ok(['tar', '-tf', join(local, file)]))
        .split('\n')
        .filter((name) => !/^(dev|proc|sys|etc)\//.test(name));
    assert.deepEqual(await names('again.tar'), await names('root.tar'));
    await cli('rm', '-f', 'dd');
    await cli('rmi', 'copy');
  });

  it('`docker diff` shows what was added, changed and removed', async () => {
    const { cli } = stage;
    await cli('run', '-d', '--name', 'cc', 'busybox', 'sleep', '600');
    assert.equal(await cli('diff', 'cc'), '');
    await cli(
      'exec',
      'cc',
      'sh',
      '-c',
      'rm /bin/vi; echo x >>/etc/passwd; mkdir -p /new/deep; echo >/new/deep/file',
    );
    const wanted = 'C /bin\nD /bin/vi\nC /etc\nC /etc/passwd\nA /new\nA /new/deep\nA /new/deep/file';
    assert.equal(await cli('diff', 'cc'), wanted);
    await cli('kill', 'cc');
    assert.equal(await cli('diff', 'cc'), wanted);
  });

  it('`docker events` tells of copies, and `docker system df` of what they take', async () => {
    const { cli } = stage;
    const local = folder();
    writeFileSync(join(local, 'file'), '');
    truncateSync(join(local, 'file'), 3_000_000);
    const since = String(Math.floor(Date.now() / 1000) - 1);
    await cli('run', '-d', '--name', 'told', '-v', 'dfv:/data', 'busybox', 'sleep', '600');
    await cli('cp', join(local, 'file'), 'told:/file');
    await cli('cp', join(local, 'file'), 'told:/data');
    await cli('cp', 'told:/file', join(local, 'back'));
    await cli('export', '-o', join(local, 'x.tar'), 'told');
    const events = await cli(
      ...['events', '--since', since, '--until', String(Math.ceil(Date.now() / 1000))],
      ...['--filter', 'container=told', '--format', '{{.Action}}'],
    );
    const actions = events.split('\n').filter((action) => /archive|extract|export/.test(action));
    assert.deepEqual(actions, ['extract-to-dir', 'extract-to-dir', 'archive-path', 'export']);
    const table = await cli('system', 'df', '--format', '{{.Type}}: {{.TotalCount}} {{.Active}} {{.Size}}');
    assert.match(table, /^Images: 1 1 /m);
    assert.match(table, /^Containers: 1 1 3(\.\d+)?MB$/m);
    assert.match(table, /^Local Volumes: 1 1 3MB$/m);
    assert.match(await cli('system', 'df', '-v'), /^dfv +1 +3MB$/m);
    await cli('rm', '-f', 'told');
    await cli('volume', 'rm', 'dfv');
  });

  it('`docker login` asks the registry', async () => {
    const { code, stderr } = await stage.cli.attempt(
      ['login', '-u', 'me', '--password-stdin', '127.0.0.1:1'],
      {
        input: 'secret',
      },
    );
    assert.equal(code, 1);
    assert.match(stderr, /127\.0\.0\.1:1/);
    assert.ok(!stderr.includes('secret'));
  });
});

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
