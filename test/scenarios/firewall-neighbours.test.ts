/** A host that others keep rules on: what is not ours stays as it is, whatever we do; and when FORWARD's policy becomes DROP. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startDaemon } from '../harness/daemon.ts';
import { createHost, HOST_IP, type TestHost } from '../harness/host.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

const BACKENDS = ['iptables', 'nftables'] as const;

/** As libvirt, Incus and a person write them; only the parts that lie where ours do. */
const FOREIGN = `
  for chain in LIBVIRT_FWI LIBVIRT_FWO LIBVIRT_FWX; do iptables -N $chain; iptables -A FORWARD -j $chain; done
  iptables -A LIBVIRT_FWO -s 192.168.122.0/24 -i virbr0 -j ACCEPT
  iptables -A LIBVIRT_FWI -d 192.168.122.0/24 -o virbr0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  iptables -A LIBVIRT_FWI -o virbr0 -j REJECT
  iptables -t nat -N LIBVIRT_PRT; iptables -t nat -A POSTROUTING -j LIBVIRT_PRT
  iptables -t nat -A LIBVIRT_PRT -s 192.168.122.0/24 '!' -d 192.168.122.0/24 -j MASQUERADE
  iptables -A INPUT -s 192.0.2.1 -j DROP; iptables -I FORWARD -i tun0 -j ACCEPT
  iptables -t nat -A POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE
  iptables -t mangle -A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
  nft 'table inet incus { chain fwd.incusbr0 { type filter hook forward priority 0; policy accept;
    iifname "incusbr0" accept; oifname "incusbr0" accept; }; }'
  ip link add virbr0 type bridge; ip addr add 192.168.122.1/24 dev virbr0; ip link set virbr0 up`;
const OTHERS = /LIBVIRT|virbr0|incus|tun0|192\.0\.2\.1|10\.8\.0\.0|TCPMSS/;

/** Rules of others, in order, and settings of the host that are theirs to make. */
async function others(host: TestHost): Promise<string[]> {
  const rules = `${await host.ok('iptables-save')}\n${await host.ok('nft', '-s', 'list', 'table', 'inet', 'incus')}`;
  const settings = await host.sh(`
    for name in bridge/bridge-nf-call-iptables bridge/bridge-nf-call-ip6tables ipv4/conf/virbr0/route_localnet; do
      if [ -e /proc/sys/net/$name ]; then echo $name $(cat /proc/sys/net/$name); fi
    done; ip -br addr show virbr0`);
  return [...rules.split('\n').filter((line) => OTHERS.test(line) && !/^[:#]/.test(line)), settings];
}

for (const backend of BACKENDS) {
  describe(`others' rules on the host, --firewall-backend ${backend}`, () => {
    const stage = useStage({ name: `nb-${backend}`, images: ['web'], args: ['--firewall-backend', backend] });

    it('libvirt, Incus, a person and br_netfilter find everything as they left it', async () => {
      const { cli, daemon, host } = stage;
      await daemon.stop();
      await host.sh(`${FOREIGN}
        for name in iptables ip6tables; do
          if [ -e /proc/sys/net/bridge/bridge-nf-call-$name ]; then echo 0 >/proc/sys/net/bridge/bridge-nf-call-$name; fi
        done`);
      const before = await others(host);
      assert.ok(before.length > 10, before.join('\n'));
      await daemon.start();
      await cli('network', 'create', '--ipv6', 'front');
      await cli('run', '-d', '--name', 'web', '--network', 'front', '-p', '8080:80', 'web');
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
      assert.deepEqual(await others(host), before, 'while containers run');
      await cli('rm', '-f', 'web');
      await cli('network', 'rm', 'front');
      assert.deepEqual(await others(host), before, 'when they are gone');
      await daemon.kill();
      await daemon.start();
      assert.deepEqual(await others(host), before, 'after a crash');
    });
  });
}

describe("FORWARD's policy", () => {
  const stage = useStage({ name: 'policy' });

  it('becomes DROP only where this daemon turned forwarding on, and may', async () => {
    const { daemon, host } = stage;
    const policyWith = async (...args: string[]) => {
      await daemon.stop();
      await host.sh('iptables -P FORWARD ACCEPT');
      daemon.args = args;
      await daemon.start();
      assert.equal((await host.sysctl('net/ipv4/ip_forward')).trim(), '1');
      if (!args.includes('nftables')) return (await host.rules('filter', 'FORWARD'))[0];
      return /hook forward .*policy (\w+)/.exec(
        await host.ok('nft', 'list', 'chain', 'ip', 'docker-bridges', 'filter-FORWARD'),
      )?.[1];
    };
    assert.equal(
      (await host.rules('filter', 'FORWARD'))[0],
      '-P FORWARD DROP',
      'a host that forwarded nothing',
    );
    for (const backend of BACKENDS) {
      const args = ['--firewall-backend', backend];
      const [accept, drop] =
        backend === 'nftables' ? ['accept', 'drop'] : ['-P FORWARD ACCEPT', '-P FORWARD DROP'];
      assert.equal(await policyWith(...args), drop, 'it is remembered whose doing it was');
      assert.equal(await policyWith(...args, '--ip-forward-no-drop'), accept);
    }
  });

  it('stays as it is on a host that forwarded before', async () => {
    await using router = await createHost({ name: 'router' });
    await router.setSysctl('net/ipv4/ip_forward', '1');
    const daemon = await startDaemon(router);
    assert.equal((await router.rules('filter', 'FORWARD'))[0], '-P FORWARD ACCEPT');
    await daemon.kill();
    await daemon.start();
    assert.equal((await router.rules('filter', 'FORWARD'))[0], '-P FORWARD ACCEPT');
  });
});

for (const backend of BACKENDS) {
  describe(`a firewall that is flushed again and again, --firewall-backend ${backend}`, () => {
    const stage = useStage({
      name: `storm-${backend}`,
      images: ['web'],
      args: ['--firewall-backend', backend],
    });

    it('fails no start, and has every rule a second after the last flush', async () => {
      const { cli, host } = stage;
      const ports = [8080, 8081, 8082, 8083, 8084];
      let started = false;
      const starts = (async () => {
        for (const port of ports) await cli('run', '-d', '-p', `${port}:80`, 'web');
      })().finally(() => {
        started = true;
      });
      while (!started) await host.ok('nft', 'flush', 'ruleset');
      await starts;
      await soon(async () => {
        const rules = await host.ok('nft', 'list', 'ruleset');
        for (const port of ports) assert.match(rules, new RegExp(`\\b${port}\\b.*(dnat|172\\.17)`));
      }, 1000);
      for (const port of ports)
        assert.match(await host.world.getSoon(`http://${HOST_IP}:${port}/`), /^hello/);
    });
  });
}
