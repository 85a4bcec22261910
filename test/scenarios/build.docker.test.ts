/** `docker commit`: images that are made here, with docker's own command line. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { useStage } from '../harness/stage.ts';

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
});
