/** Rows 1 to 3: processes of the host in namespaces and cgroups of their own. */

import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { ClientName } from '../../harness/client.ts';
import { cgroupFile, inNetworkOf, inspect, pidOf } from '../../harness/container.ts';
import { ok } from '../../harness/exec.ts';
import { soon } from '../../harness/netns.ts';
import { useStage } from '../../harness/stage.ts';

export function isolation(client: ClientName): void {
  describe(`A. Isolation, with ${client}`, () => {
    const stage = useStage({ client, images: ['nginx', 'ubuntu', 'busybox'] });

    it("row 1: the host's ps shows a container's processes", async () => {
      const { cli } = stage;
      await cli('run', '--name', 'web', '-d', 'nginx');
      const pid = await pidOf(cli, 'web');
      assert.match(await ok(['ps', '-o', 'args=', '-p', String(pid)]), /nginx: master process/);
      const worker = await soon(() => ok(['ps', '-o', 'args=', '--ppid', String(pid)]));
      assert.match(worker, /nginx: worker process/);
    });

    it('row 1: the kernel is shared, processes are not', async () => {
      const { cli } = stage;
      assert.equal(await cli('run', '--rm', 'ubuntu', 'uname', '-r'), await ok(['uname', '-r']));
      assert.equal(await cli('run', '--rm', 'ubuntu', 'sh', '-c', 'echo $$'), '1');
      const ps = await cli('run', '--rm', 'ubuntu', 'ps', '-o', 'pid,args');
      assert.equal(ps.split('\n').length, 2, `only ps itself and a heading: ${ps}`);
    });

    it('row 2: a container has a network namespace of its own', async () => {
      const { cli, host } = stage;
      await cli('run', '--name', 'web', '-d', 'nginx');
      const pid = await pidOf(cli, 'web');
      const theirs = readlinkSync(`/proc/${pid}/ns/net`);
      assert.match(theirs, /^net:\[\d+\]$/);
      assert.notEqual(theirs, await host.ok('readlink', '/proc/self/ns/net'));
      assert.notEqual(theirs, readlinkSync('/proc/self/ns/net'));
      const links = JSON.parse(await inNetworkOf(pid, 'ip', '-j', 'link')) as Array<{ ifname: string }>;
      assert.deepEqual(links.map(({ ifname }) => ifname).sort(), ['eth0', 'lo']);
    });

    it("row 2: its interfaces, routes and iptables are not the host's", async () => {
      const { cli, host } = stage;
      await cli('run', '--name', 'web', '-p', '8080:80', '-d', 'nginx');
      const pid = await pidOf(cli, 'web');
      const route = await inNetworkOf(pid, 'ip', 'route');
      assert.match(route, /^default via 172\.17\.0\.1 dev eth0/m);
      assert.match(route, /^172\.17\.0\.0\/16 dev eth0 .*src 172\.17\.0\.2/m);
      assert.doesNotMatch(route, /10\.99/);
      assert.doesNotMatch(await inNetworkOf(pid, 'iptables', '-S'), /DOCKER/);
      await inNetworkOf(pid, 'iptables', '-A', 'INPUT', '-p', 'udp', '-j', 'DROP');
      assert.doesNotMatch((await host.rules('filter')).join('\n'), /udp/);
    });

    it('row 2: hostname, processes, mounts and IPC are separate too', async () => {
      const { cli } = stage;
      await cli('run', '--name', 'box', '--hostname', 'inside', '-d', 'busybox', 'sleep', '100');
      const pid = await pidOf(cli, 'box');
      for (const kind of ['net', 'pid', 'mnt', 'uts', 'ipc']) {
        const theirs = readlinkSync(`/proc/${pid}/ns/${kind}`);
        assert.notEqual(theirs, readlinkSync(`/proc/self/ns/${kind}`), kind);
      }
      assert.equal(await cli('exec', 'box', 'hostname'), 'inside');
    });

    it('row 3: --cpus, --cpu-shares and --cpuset-cpus stand in the cgroup', async () => {
      const { cli } = stage;
      await cli(
        ...['run', '-d', '--name', 'box', '--cpus', '0.5', '--cpu-shares', '512', '--cpuset-cpus', '0'],
        ...['busybox', 'sleep', '100'],
      );
      const pid = await pidOf(cli, 'box');
      assert.match(cgroupFile(pid, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^50000( 100000)?$/);
      // v2's weight is v1's shares on another scale: 1 + (512 - 2) * 9999 / 262142.
      assert.match(cgroupFile(pid, 'cpu', 'cpu.shares', 'cpu.weight'), /^(512|20)$/);
      assert.equal(cgroupFile(pid, 'cpuset', 'cpuset.cpus', 'cpuset.cpus'), '0');
      assert.equal(await inspect(cli, 'box', '{{.HostConfig.NanoCpus}}'), '500000000');
      assert.equal(await cli('exec', 'box', 'nproc'), '1');
    });

    it('row 3: --cpus is felt by who wants more', async () => {
      const { cli } = stage;
      await cli('run', '-d', '--name', 'busy', '--cpus', '0.2', 'busybox', 'sh', '-c', 'while :; do :; done');
      const pid = await pidOf(cli, 'busy');
      // proc_pid_stat(5): fields 14 and 15 are user and system time in ticks of 10 ms.
      const ticks = () => {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
        return Number(fields[11]) + Number(fields[12]);
      };
      const before = ticks();
      const from = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const share = ((ticks() - before) * 10) / (performance.now() - from);
      assert.ok(share < 0.3, `it had ${share.toFixed(2)} of a processor`);
    });

    it('row 3: --memory and --memory-swap stand in the cgroup', async () => {
      const { cli } = stage;
      await cli(
        ...[
          'run',
          '-d',
          '--name',
          'box',
          '--memory',
          '64m',
          '--memory-swap',
          '64m',
          'busybox',
          'sleep',
          '100',
        ],
      );
      const pid = await pidOf(cli, 'box');
      assert.equal(cgroupFile(pid, 'memory', 'memory.limit_in_bytes', 'memory.max'), '67108864');
      assert.equal(
        await inspect(cli, 'box', '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}'),
        '67108864 67108864',
      );
    });

    it('row 3: a process over its memory is killed, and inspect says OOMKilled', async () => {
      const { cli } = stage;
      const { code } = await cli.attempt([
        ...['run', '--name', 'eater', '--memory', '16m', '--memory-swap', '16m', 'busybox'],
        ...['sh', '-c', 'tail /dev/zero'],
      ]);
      assert.equal(code, 137);
      assert.equal(await inspect(cli, 'eater', '{{.State.OOMKilled}} {{.State.ExitCode}}'), 'true 137');
    });

    it('row 3: who stays below is not called OOMKilled', async () => {
      const { cli } = stage;
      await cli.attempt([
        'run',
        '--name',
        'box',
        '--memory',
        '64m',
        'busybox',
        'sh',
        '-c',
        'kill -9 $$; exit 3',
      ]);
      assert.equal(await inspect(cli, 'box', '{{.State.OOMKilled}}'), 'false');
    });

    it('row 3: --pids-limit stands in the cgroup and is felt', async () => {
      const { cli } = stage;
      await cli('run', '-d', '--name', 'box', '--pids-limit', '10', 'busybox', 'sleep', '100');
      const pid = await pidOf(cli, 'box');
      assert.equal(cgroupFile(pid, 'pids', 'pids.max', 'pids.max'), '10');
      const many = 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 2 & done';
      const { code, stderr } = await cli.attempt(['exec', 'box', 'sh', '-c', many]);
      assert.notEqual(code, 0);
      assert.match(stderr, /can't fork/);
    });

    it('row 3: --device-read-bps, --device-write-bps and --blkio-weight stand in the cgroup', async () => {
      const { cli } = stage;
      const { path, number } = await disk(stage.daemon.dataRoot);
      await cli(
        ...[
          'run',
          '-d',
          '--name',
          'box',
          '--device-read-bps',
          `${path}:2mb`,
          '--device-write-bps',
          `${path}:1mb`,
        ],
        ...['--blkio-weight', '300', 'busybox', 'sleep', '100'],
      );
      const pid = await pidOf(cli, 'box');
      const read = cgroupFile(pid, 'blkio', 'blkio.throttle.read_bps_device', 'io.max');
      const write = cgroupFile(pid, 'blkio', 'blkio.throttle.write_bps_device', 'io.max');
      assert.match(read, new RegExp(`^${number} .*2097152`, 'm'));
      assert.match(write, new RegExp(`^${number} .*1048576`, 'm'));
      assert.equal(await inspect(cli, 'box', '{{.HostConfig.BlkioWeight}}'), '300');
      const weight = cgroupFile(pid, 'blkio', 'blkio.bfq.weight', 'io.bfq.weight');
      assert.match(weight, /\b300\b/);
    });

    it('row 3: --device-write-bps is felt', async () => {
      const { cli } = stage;
      const { path } = await disk(stage.daemon.dataRoot);
      const from = performance.now();
      await cli(
        ...['run', '--rm', '--device-write-bps', `${path}:2mb`, 'busybox'],
        ...['dd', 'if=/dev/zero', 'of=/file', 'bs=256k', 'count=16', 'oflag=direct'],
      );
      const took = performance.now() - from;
      assert.ok(took > 1500, `4 MiB at 2 MiB/s took ${took.toFixed(0)} ms`);
    });
  });
}

/** The whole disk that holds a folder; throttling wants no partition (block/blk-throttle.c). */
async function disk(folder: string): Promise<{ path: string; number: string }> {
  const { dev } = statSync(folder);
  // makedev(3) in glibc's encoding, for numbers that fit the old 16 bits and those that do not.
  const major = ((dev >> 8) & 0xfff) | 0;
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
  const place = await ok(['readlink', '-f', `/sys/dev/block/${major}:${minor}`]);
  const whole = await ok(['sh', '-c', 'test -e "$0/partition" && dirname "$0" || echo "$0"', place]);
  return { path: `/dev/${whole.split('/').at(-1)}`, number: readFileSync(`${whole}/dev`, 'utf8').trim() };
}
