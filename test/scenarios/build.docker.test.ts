/** `docker commit` and `docker build`: images that are made here, with docker's own command line. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ok } from '../harness/exec.ts';
import { HOST_IP } from '../harness/host.ts';
import { tar } from '../harness/images.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

const COMPOSE = '/usr/bin/docker-compose';

const DOCKERFILE = `# A tool is made in one stage, and used in another.
ARG BASE=busybox
FROM $BASE AS tools
ARG WHO
RUN echo by $WHO; mkdir -p /out && \\
    # a comment in between
    echo "tool of $WHO" >/out/tool

FROM scratch AS unused
COPY site /only

FROM busybox
ENV GREETING="hello world" TARGET=/www
WORKDIR /www
COPY site .
COPY *.conf /conf/
COPY . /ctx/
COPY --chown=7:8 --chmod=640 a.conf /owned/
ADD packed.tar /
COPY --from=tools /out/tool /from/tools
COPY --from=unused /only/inner \${TARGET:-/nowhere}/again
SHELL ["sh", "-e", "-c"]
RUN echo $0 >/made; rm /conf/b.conf
EXPOSE 80
USER 0
LABEL kind=site
CMD ["httpd", "-f", "-p", "80", "-h", "/www"]
`;

describe('images that are made here', () => {
  const stage = useStage({ name: 'build', images: ['busybox'] });

  it('`docker commit` makes an image of what a container has changed, and of that alone', async () => {
    const { cli } = stage;
    const script = 'mkdir /srv; echo page >/srv/page; echo x >/srv/old; rm /bin/wc';
    await cli('run', '--name', 'made', '-e', 'A=1', 'busybox', 'sh', '-c', script);
    const base = await cli('image', 'inspect', '--format', '{{.Id}}', 'busybox');
    const id = await cli(
      ...['commit', '-m', 'why', '-a', 'who', '-c', 'CMD ["cat", "/srv/page"]', '-c', 'ENV B=2'],
      ...['made', 'ours:1'],
    );
    assert.equal(await cli('run', '--rm', 'ours:1'), 'page');
    const look = 'ls -A /srv /bin/wc 2>/dev/null; echo $A$B';
    assert.equal(await cli('run', '--rm', 'ours:1', 'sh', '-c', look), '/srv:\nold\npage\n12');
    const format = '{{.Id}} {{.Parent}} {{.Author}} {{.Comment}} {{len .RootFS.Layers}}';
    assert.equal(await cli('image', 'inspect', '--format', format, 'ours:1'), `${id} ${base} who why 2`);
    assert.equal(
      await cli('history', '--no-trunc', '--format', '{{.ID}} {{.CreatedBy}}', 'ours:1'),
      `${id} sh -c ${script}\n${base} made for busybox`,
    );
    assert.equal(await cli('diff', 'made'), 'C /bin\nD /bin/wc\nA /srv\nA /srv/old\nA /srv/page');
    // A folder that was taken away and made again hides what was in it, in the next image too.
    await cli('run', '-d', '--name', 'again', 'ours:1', 'sleep', '600');
    await cli('exec', 'again', 'sh', '-c', 'rm -r /srv; mkdir /srv; echo new >/srv/page');
    await cli('commit', 'again', 'ours:2');
    assert.equal(await cli('inspect', '--format', '{{.State.Status}}', 'again'), 'running');
    assert.equal(await cli('run', '--rm', 'ours:2', 'sh', '-c', 'ls /srv; cat /srv/page'), 'page\nnew');
    const refused = await cli.attempt(['rmi', '-f', id]);
    assert.match(refused.stderr, /image has dependent child images/);
    await cli('rm', '-f', 'made', 'again');
    // Without a name it is a step on the way to the other, and goes with it.
    assert.equal(await cli('rmi', 'ours:1'), 'Untagged: ours:1');
    assert.equal(await cli('images', '--quiet', '--no-trunc', '--filter', 'dangling=true'), '');
    assert.match(await cli('rmi', 'ours:2'), new RegExp(`Deleted: ${id}`));
    assert.equal(await cli('images', '--all', '--quiet', '--no-trunc'), base);
  });

  it('`docker commit` refuses what cannot be, before it makes anything', async () => {
    const { cli } = stage;
    await cli('create', '--name', 'plain', 'busybox', 'true');
    const cases: ReadonlyArray<[string[], RegExp]> = [
      [['nosuch'], /No such container: nosuch/],
      [['plain', 'UPPER'], /invalid reference format|must be lowercase/],
      [['-c', 'RUN true', 'plain'], /run is not a valid change command/],
    ];
    for (const [args, expected] of cases) {
      const { code, stderr } = await cli.attempt(['commit', ...args]);
      assert.equal(code, 1, stderr);
      assert.match(stderr, expected);
    }
    assert.equal((await cli('images', '--all', '--quiet')).split('\n').length, 1);
  });

  it('`docker build` builds stages, and the second time from the cache', async () => {
    const { cli, host, daemon } = stage;
    const folder = mkdtempSync(join(daemon.root, 'context-'));
    mkdirSync(join(folder, 'site/inner'), { recursive: true });
    writeFileSync(join(folder, 'site/index.html'), 'built page\n');
    writeFileSync(join(folder, 'site/inner/deep.txt'), 'deep\n', { mode: 0o600 });
    symlinkSync('index.html', join(folder, 'site/link'));
    writeFileSync(join(folder, 'a.conf'), 'a\n');
    writeFileSync(join(folder, 'b.conf'), 'b\n');
    writeFileSync(join(folder, 'packed.tar'), await tar([{ name: 'from/tar', content: 'unpacked' }]));
    writeFileSync(join(folder, 'ignored.txt'), 'x');
    writeFileSync(join(folder, '.dockerignore'), 'ignored*\nDockerfile\n.dockerignore\n');
    writeFileSync(join(folder, 'Dockerfile'), DOCKERFILE);
    const build = async (...args: string[]) => {
      const result = await cli.attempt(['build', '-t', 'site:1', '--build-arg', 'WHO=me', ...args, folder]);
      assert.equal(result.code, 0, `${result.stdout}${result.stderr}`);
      return result.stdout;
    };
    const first = await build('--label', 'by=test');
    assert.match(
      first,
      /^Step 1\/\d+ : ARG BASE=busybox\nStep 2\/\d+ : FROM \$BASE AS tools\n ---> [0-9a-f]{12}\n/m,
    );
    assert.match(
      first,
      /---> Running in ([0-9a-f]{12})\nby me\n ---> Removed intermediate container \1\n ---> /,
    );
    assert.match(first, /\nSuccessfully built ([0-9a-f]{12})\nSuccessfully tagged site:1\n$/);
    const id = await cli('image', 'inspect', '--format', '{{.Id}}', 'site:1');
    assert.match(first, new RegExp(`Successfully built ${id.slice(7, 19)}\\n`));
    assert.equal(await cli('ps', '-aq'), '');
    // The files are those that were asked for, of whom they were asked for, and nothing of the runtime's.
    const look = [
      'cat /www/index.html /www/link /www/again/deep.txt /conf/* /from/tar /from/tools /made',
      'ls /ctx; stat -c "%a %u:%g" /www/inner/deep.txt /owned /owned/a.conf; echo $GREETING $PWD',
    ].join('; ');
    assert.deepEqual((await cli('run', '--rm', 'site:1', 'sh', '-c', look)).split('\n'), [
      ...['built page', 'built page', 'deep', 'a', 'unpackedtool of me', 'sh'],
      ...['a.conf', 'b.conf', 'packed.tar', 'site', '600 0:0', '755 7:8', '640 7:8', 'hello world /www'],
    ]);
    const shown = await cli('history', '--no-trunc', '--format', '{{.CreatedBy}}', 'site:1');
    assert.match(
      shown,
      /^sh -e -c #\(nop\) {2}LABEL by=test\nsh -e -c #\(nop\) {2}CMD \["httpd" .*\n.*\n.*\n.*\nsh -e -c echo \$0 >\/made; rm/,
    );
    assert.match(shown, /^\/bin\/sh -c #\(nop\) COPY dir:[0-9a-f]{64} in \/www\/ $/m);
    const config = await cli('image', 'inspect', '--format', '{{json .Config}}', 'site:1');
    assert.deepEqual(
      (({ Cmd, Env, ExposedPorts, Labels, User, WorkingDir }) => [
        ...[Cmd.length, Env.slice(1), Object.keys(ExposedPorts), Labels, User, WorkingDir],
      ])(JSON.parse(config)),
      [6, ['GREETING=hello world', 'TARGET=/www'], ['80/tcp'], { kind: 'site', by: 'test' }, '0', '/www'],
    );
    // The server that was built serves.
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'site:1');
    assert.equal(await host.world.getSoon(`http://${HOST_IP}:8080/`), 'built page');
    const second = await build('--label', 'by=test');
    assert.equal(second.match(/Using cache/g)?.length, 19);
    assert.match(second, new RegExp(`Successfully built ${id.slice(7, 19)}\\n`));
    // What has changed, and everything after it, is made anew.
    writeFileSync(join(folder, 'site/index.html'), 'other page\n');
    const third = await build('--label', 'by=test');
    assert.match(
      third,
      /: WORKDIR \/www\n ---> Using cache\n.*\nStep 10\/23 : COPY site \.\n ---> [0-9a-f]{12}\n/,
    );
    assert.equal(third.match(/Using cache/g)?.length, 4);
    assert.equal(await cli('run', '--rm', 'site:1', 'cat', 'index.html'), 'other page');
    await cli('rm', '-f', 'web');
    // Steps go with the last image that they led to.
    await cli('image', 'prune', '-f');
    await cli('rmi', 'site:1');
    assert.equal((await cli('images', '-aq')).split('\n').length, 1);
  });

  it('`docker build` tells what has failed, with the exit code, and leaves nothing running', async () => {
    const { cli, daemon } = stage;
    const folder = mkdtempSync(join(daemon.root, 'context-'));
    const build = (dockerfile: string, ...args: string[]) => {
      writeFileSync(join(folder, 'Dockerfile'), dockerfile);
      return cli.attempt(['build', '--force-rm', ...args, folder]);
    };
    const failing = await build('FROM busybox\nRUN echo out; echo err >&2; exit 3\nRUN never');
    assert.equal(failing.code, 3);
    assert.match(
      failing.stderr,
      /The command '\/bin\/sh -c echo out; echo err >&2; exit 3' returned a non-zero code: 3\n$/,
    );
    assert.match(failing.stdout, /out\n/);
    assert.ok(failing.stdout.includes('\u001b[91merr'));
    assert.doesNotMatch(failing.stdout, /Step 3/);
    const cases: ReadonlyArray<[string, RegExp]> = [
      ['FROM busybox\nRUN ["/nosuch"]', /nosuch/],
      [
        'FROM busybox\nCOPY nosuch /x',
        /COPY failed: file not found in build context or excluded by .dockerignore: stat nosuch: file does not exist/,
      ],
      ['FROM busybox\nCOPY ../x /x', /forbidden path outside the build context/],
      ['FROM busybox\nFOO', /dockerfile parse error line 2: unknown instruction: FOO/],
      ['FROM busybox\nRUN --mount=type=cache,target=/x true', /RUN --mount \(BuildKit\) is not implemented/],
      ['FROM busybox\nRUN <<EOF\ntrue\nEOF', /here-documents \(<<\) require BuildKit/],
      ['FROM busybox\nADD http://x/y /y', /fetching from a URL is not implemented/],
      ['FROM busybox\nUSER a b', /USER requires exactly one argument/],
    ];
    for (const [dockerfile, expected] of cases) {
      const { code, stderr } = await build(dockerfile);
      assert.equal(code, 1, dockerfile);
      assert.match(stderr, expected, dockerfile);
    }
    assert.equal(await cli('ps', '-aq'), '');
  });

  it('`docker build` loses nothing to `docker image prune`, and leaves no container when it is interrupted', async () => {
    const { cli, daemon } = stage;
    const folder = mkdtempSync(join(daemon.root, 'context-'));
    writeFileSync(
      join(folder, 'Dockerfile'),
      'FROM busybox AS first\nENV a=b\nFROM busybox\nRUN echo started; sleep 600\n',
    );
    const child = spawn(cli.command[0] ?? '', [...cli.command.slice(1), 'build', folder], { env: cli.env });
    let output = '';
    child.stdout.on('data', (piece) => {
      output += piece;
    });
    await soon(() => assert.match(output, /^started$/m));
    assert.notEqual(await cli('ps', '-q'), '');
    // The first stage has no name, no container and no child yet.
    const images = await cli('images', '-aq');
    await cli('image', 'prune', '-f');
    assert.equal(await cli('images', '-aq'), images);
    child.kill('SIGINT');
    await soon(async () => assert.equal(await cli('ps', '-aq'), ''));
  });

  it('`docker-compose` builds what its file says, and starts it', {
    skip: existsSync(COMPOSE) ? false : `${COMPOSE} is not installed`,
  }, async () => {
    const { cli, daemon } = stage;
    const folder = mkdtempSync(join(daemon.root, 'composed-'));
    mkdirSync(join(folder, 'app'));
    writeFileSync(
      join(folder, 'app/Dockerfile'),
      'FROM busybox\nARG WHO\nRUN echo "$WHO" >/who\nCMD sleep 600\n',
    );
    writeFileSync(
      join(folder, 'docker-compose.yml'),
      'version: "3.7"\nservices:\n  app:\n    image: composed\n    build: { context: ./app, args: { WHO: compose } }\n',
    );
    const words = [COMPOSE, '-p', 'composed', '-f', join(folder, 'docker-compose.yml')];
    const env = { ...cli.env, DOCKER_HOST: `unix://${daemon.socket}` };
    await ok([...words, 'up', '-d'], { env, timeout: 60_000 });
    assert.equal(await cli('exec', 'composed_app_1', 'cat', '/who'), 'compose');
  });
});
