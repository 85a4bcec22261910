/** A container fills the disk that the daemon writes to. Whoever removes it has the room again. */

import assert from 'node:assert/strict';
import { mkdirSync, statfsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { TestDaemon } from '../harness/daemon.ts';
import { ok } from '../harness/exec.ts';
import { createHost, type TestHost } from '../harness/host.ts';
import { soon } from '../harness/netns.ts';

/** Also what becomes free meanwhile. */
const FILL = 'while :; do cat /dev/zero >>/file; sleep .1; done';

describe('On a full disk', () => {
  let host: TestHost;
  let daemon: TestDaemon;
  before(async () => {
    host = await createHost({ name: 'full' });
    daemon = new TestDaemon(host);
    mkdirSync(daemon.dataRoot);
    await ok(['mount', '-t', 'tmpfs', '-o', 'size=32m', 'none', daemon.dataRoot]);
    await daemon.start();
    await daemon.load(['busybox']);
  });
  after(() => host?.dispose());

  it('the daemon starts, and containers, networks and volumes are stopped and removed', async () => {
    const { docker } = daemon;
    const free = () => statfsSync(daemon.dataRoot).bavail;
    await docker('network', 'create', 'net');
    await docker('volume', 'create', 'vol');
    await docker('run', '-d', '--name', 'web', '-p', '8080:80', 'busybox', 'httpd', '-f');
    await docker('run', '-d', '--name', 'full', 'busybox', 'sh', '-c', FILL);
    await soon(() => assert.equal(free(), 0));

    await docker('stop', '-t', '0', 'web');
    await daemon.kill();
    await daemon.start();
    await docker('network', 'rm', 'net');
    await docker('volume', 'rm', 'vol');
    await docker('rm', 'web');
    await docker('rm', '-f', 'full');
    await soon(() => assert.ok(free() > 0));
    assert.equal(await docker('run', '--rm', 'busybox', 'echo', 'room'), 'room');
    assert.equal(await docker('ps', '-aq'), '');
    await soon(async () => assert.deepEqual(await daemon.residue(), [`mount ${daemon.dataRoot}`]));
  });
});
