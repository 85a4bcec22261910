/** Without the userland proxy, and with containers that do not reach each other: the kernel serves every published port, to everyone. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect, pidOf } from '../harness/container.ts';
import { run } from '../harness/exec.ts';
import { HOST_IP, HOST_IP6 } from '../harness/host.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

/** curl(1), EXIT CODES: the time is over. */
const TIMED_OUT = 28;

for (const backend of ['iptables', 'nftables'] as const) {
  describe(`--userland-proxy=false and enable_icc=false, --firewall-backend ${backend}`, () => {
    const stage = useStage({
      name: `np-${backend}`,
      images: ['web'],
      args: ['--userland-proxy=false', '--firewall-backend', backend],
    });

    it('a published port answers the world, the host, a neighbour on the same bridge and its own container', async () => {
      const { cli, host } = stage;
      await cli('network', 'create', '--ipv6', '-o', 'com.docker.network.bridge.enable_icc=false', 'quiet');
      for (const [name, ...options] of [['web1', '-p', '8080:80'], ['web2']] as const) {
        await cli('run', '-d', '--name', name, '--network', 'quiet', ...options, 'web');
      }
      const address = (field: string) => inspect(cli, 'web1', `{{.NetworkSettings.Networks.quiet.${field}}}`);
      const [v4, v6] = [await address('IPAddress'), await address('GlobalIPv6Address')];
      const ask = async (from: string | undefined, url: string) => {
        const enter =
          from === undefined ? host.enter : ['nsenter', `--net=/proc/${await pidOf(cli, from)}/ns/net`, '--'];
        return run([...enter, 'curl', '-sSg', '--noproxy', '*', '--max-time', '2', url]);
      };
      for (const url of [`http://${HOST_IP}:8080/`, `http://[${HOST_IP6}]:8080/`]) {
        assert.match(await host.world.getSoon(url), /^hello/, `the world, ${url}`);
        for (const who of [undefined, 'web1', 'web2']) {
          await soon(async () => {
            const { stdout, stderr } = await ask(who, url);
            assert.match(stdout, /^hello/, `${who ?? 'the host'}, ${url}: ${stderr}`);
          }, 3000);
        }
      }
      assert.match((await ask(undefined, 'http://127.0.0.1:8080/')).stdout, /^hello/);
      const local6 = await ask(undefined, 'http://[::1]:8080/');
      assert.notEqual(local6.code, 0, 'nobody serves ::1');
      assert.notEqual(local6.code, TIMED_OUT, `and that is said at once: ${local6.stderr}`);
      for (const url of [`http://${v4}/`, `http://[${v6}]/`]) {
        assert.equal((await ask('web2', url)).code, TIMED_OUT, `enable_icc=false holds for ${url}`);
      }
    });
  });
}
