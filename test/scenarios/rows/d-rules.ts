/** Rows 15 to 18: who may talk to whom on one host. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ClientName } from '../../harness/client.ts';
import { addressOf, inspect } from '../../harness/container.ts';
import { startDaemon, type TestDaemon } from '../../harness/daemon.ts';
import { createHost, HOST_IP, type TestHost } from '../../harness/host.ts';
import { soon } from '../../harness/netns.ts';
import { useStage } from '../../harness/stage.ts';

export function rulesBetweenContainers(client: ClientName): void {
  ownRules(client);
  describe(`D. Rules between containers, with ${client}`, () => {
    const stage = useStage({
      client,
      images: ['nginx', 'ubuntu', 'centos:7'],
      config: { iptables: true, icc: false },
    });

    const web = (...options: string[]) => stage.cli('run', '-d', '--name', 'web', ...options, 'nginx');
    const person = (name: string, ...options: string[]) =>
      stage.cli(
        'run',
        '-d',
        '--name',
        name,
        '--stop-signal',
        'KILL',
        ...options,
        'centos:7',
        'sleep',
        '1000',
      );
    /** What a person in a container gets from an address. */
    const curl = (name: string, address: string) =>
      stage.cli.attempt(['exec', name, 'curl', '-sS', '-m', '1', address]);
    const answers = (name: string, address: string) =>
      soon(async () => {
        const { stdout, stderr } = await curl(name, address);
        assert.match(stdout, /^hello/, stderr);
      });
    const silent = async (name: string, address: string) => {
      const { code, stdout } = await curl(name, address);
      assert.equal(code, 28, `curl's status for a time that is over; it got ${stdout}`);
    };
    const pair = (a: string, b: string, port = 80) => [
      `-A DOCKER -s ${a}/32 -d ${b}/32 -i docker0 -o docker0 -p tcp -m tcp --dport ${port} -j ACCEPT`,
      `-A DOCKER -s ${b}/32 -d ${a}/32 -i docker0 -o docker0 -p tcp -m tcp --sport ${port} -j ACCEPT`,
    ];
    const dockerChain = async () => (await stage.host.rules('filter', 'DOCKER')).slice(1);

    it('row 16: "icc": false puts a DROP where the ACCEPT was', async () => {
      assert.deepEqual(await stage.host.rules('filter', 'FORWARD'), [
        '-P FORWARD DROP',
        '-A FORWARD -j DOCKER-USER',
        '-A FORWARD -j DOCKER-ISOLATION-STAGE-1',
        '-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        '-A FORWARD -o docker0 -j DOCKER',
        '-A FORWARD -i docker0 ! -o docker0 -j ACCEPT',
        '-A FORWARD -i docker0 -o docker0 -j DROP',
      ]);
      const shown = await stage.host.ok('iptables', '-L', 'FORWARD');
      assert.match(shown, /^DROP +(all|0) +-- +anywhere +anywhere *$/m);
    });

    it('row 16: containers do not reach each other, the world still reaches what is published', async () => {
      const { cli, host } = stage;
      await web('-p', '8080:80');
      await person('cc1');
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
      assert.match(await host.getSoon('http://127.0.0.1:8080/'), /^hello/);
      await silent('cc1', '172.17.0.2');
      const { stdout } = await cli.attempt(['exec', 'cc1', 'ping', '-c', '1', '-W', '1', '172.17.0.2']);
      assert.match(stdout, /100% packet loss/);
      await cli('exec', 'cc1', 'ping', '-c', '1', '-W', '2', '10.99.0.1');
    });

    it('row 16: inspect says enable_icc "false"', async () => {
      const template = '{{index .Options "com.docker.network.bridge.enable_icc"}}';
      assert.equal(await stage.cli('network', 'inspect', '--format', template, 'bridge'), 'false');
    });

    it("row 17: --link web:web opens exactly the linked container's exposed port", async () => {
      const { cli } = stage;
      await web();
      await person('client1');
      await person('client2', '--link', 'web:web');
      assert.deepEqual((await dockerChain()).sort(), pair('172.17.0.4', '172.17.0.2').sort());
      await answers('client2', '172.17.0.2');
      await answers('client2', 'web');
      await silent('client1', '172.17.0.2');
      // A port of the same container that nobody exposes stays shut.
      await cli('exec', '-d', 'web', 'busybox', 'httpd', '-p', '8000', '-h', '/usr/share/nginx/html');
      await soon(async () => assert.match(await cli('exec', 'web', 'netstat', '-ltn'), /:8000/));
      await silent('client2', '172.17.0.2:8000');
    });

    it('row 17: a name in /etc/hosts and WEB_PORT… variables', async () => {
      const { cli } = stage;
      const id = (await web()).slice(0, 12);
      await person('client2', '--link', 'web:web');
      assert.match(
        await cli('exec', 'client2', 'cat', '/etc/hosts'),
        new RegExp(`^172\\.17\\.0\\.2\tweb ${id}$`, 'm'),
      );
      const variables = (await cli('exec', 'client2', 'env'))
        .split('\n')
        .filter((line) => line.startsWith('WEB_'));
      const expected = [
        'WEB_NAME=/client2/web',
        'WEB_PORT=tcp://172.17.0.2:80',
        'WEB_PORT_80_TCP=tcp://172.17.0.2:80',
        'WEB_PORT_80_TCP_ADDR=172.17.0.2',
        'WEB_PORT_80_TCP_PORT=80',
        'WEB_PORT_80_TCP_PROTO=tcp',
      ];
      assert.deepEqual(variables.filter((line) => !line.startsWith('WEB_ENV_')).sort(), expected);
      assert.equal(await inspect(cli, 'client2', '{{json .HostConfig.Links}}'), '["/web:/client2/web"]');
    });

    it('row 17: --link web:alias is known by alias, name and id', async () => {
      const { cli } = stage;
      const id = (await web()).slice(0, 12);
      await person('client2', '--link', 'web:alias');
      const hosts = await cli('exec', 'client2', 'cat', '/etc/hosts');
      assert.match(hosts, new RegExp(`^172\\.17\\.0\\.2\talias ${id} web$`, 'm'));
      await answers('client2', 'alias');
      assert.match(await cli('exec', 'client2', 'env'), /^ALIAS_PORT_80_TCP_ADDR=172\.17\.0\.2$/m);
    });

    it('row 17: the rules go when the client goes', async () => {
      const { cli } = stage;
      await web();
      await person('client2', '--link', 'web:web');
      assert.equal((await dockerChain()).length, 2);
      await cli('rm', '-f', 'client2');
      assert.deepEqual(await dockerChain(), []);
    });

    it('row 17: the rules go when the linked container goes, and come back with it', async () => {
      const { cli } = stage;
      await web();
      await person('client2', '--link', 'web:web');
      await cli('stop', 'web');
      assert.deepEqual(await dockerChain(), []);
      await cli('start', 'web');
      assert.deepEqual((await dockerChain()).sort(), pair('172.17.0.3', '172.17.0.2').sort());
      await answers('client2', 'web');
    });

    it('row 17: rules and name follow a restart that changes the address', async () => {
      const { cli } = stage;
      await web();
      await person('client2', '--link', 'web:web');
      await cli('stop', 'web');
      await person('taker');
      assert.equal(await addressOf(cli, 'taker'), '172.17.0.2');
      await cli('start', 'web');
      assert.equal(await addressOf(cli, 'web'), '172.17.0.4');
      assert.deepEqual((await dockerChain()).sort(), pair('172.17.0.3', '172.17.0.4').sort());
      assert.match(await cli('exec', 'client2', 'cat', '/etc/hosts'), /^172\.17\.0\.4\tweb /m);
      await answers('client2', 'web');
    });

    it('row 17: links outlive a restart of the daemon', async () => {
      const { cli, daemon } = stage;
      await web();
      await person('client2', '--link', 'web:web');
      await daemon.restart();
      await cli('start', 'web');
      await cli('start', 'client2');
      await answers('client2', 'web');
    });

    it('row 17: a link to nobody is refused', async () => {
      const { code, stderr } = await stage.cli.attempt(['run', '-d', '--link', 'nobody:web', 'nginx']);
      assert.equal(code, 125);
      assert.match(stderr, /could not get container for nobody|[Nn]o such container: nobody/);
    });

    it('row 18: two rules by hand open the way as a link does, and -D closes it', async () => {
      const { host, cli } = stage;
      await web('-p', '8080:80');
      await person('client1');
      await silent('client1', '172.17.0.2');
      const there = ['-p', 'tcp', '--dport', '80', '-s', '172.17.0.3', '-d', '172.17.0.2', '-j', 'ACCEPT'];
      const back = ['-p', 'tcp', '--dport', '80', '-s', '172.17.0.2', '-d', '172.17.0.3', '-j', 'ACCEPT'];
      await host.ok('iptables', '-A', 'DOCKER', ...there);
      await host.ok('iptables', '-A', 'DOCKER', ...back);
      await answers('client1', '172.17.0.2');
      // Whatever the daemon does meanwhile, the user's own rules stay.
      await person('other', '-p', '9090:90');
      await cli('rm', '-f', 'other');
      await answers('client1', '172.17.0.2');
      await host.ok('iptables', '-D', 'DOCKER', ...there);
      await host.ok('iptables', '-D', 'DOCKER', ...back);
      await silent('client1', '172.17.0.2');
    });

    it('row 18: iptables -D DOCKER 1 does not upset the daemon', async () => {
      const { host, cli, daemon } = stage;
      await web('-p', '8080:80');
      await person('client2', '--link', 'web:web');
      assert.equal((await dockerChain()).length, 3);
      await host.ok('iptables', '-D', 'DOCKER', '1');
      await person('another');
      await cli('rm', '-f', 'client2', 'another');
      await cli('rm', '-f', 'web');
      await daemon.expectNoResidue();
      await web('-p', '8080:80');
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080/`), /^hello/);
    });
  });
}

/** Row 15 wants rules that are there before the daemon is. */
function ownRules(client: ClientName): void {
  describe(`D. The user's own rules, with ${client}`, () => {
    let host: TestHost;
    let daemon: TestDaemon;
    const OWN = [
      'iptables -N MINE',
      'iptables -A MINE -s 192.0.2.0/24 -m comment --comment "hands off" -j DROP',
      'iptables -A INPUT -p tcp --dport 22 -j ACCEPT',
      'iptables -A FORWARD -j MINE',
      'iptables -A FORWARD -s 198.51.100.7/32 -j ACCEPT',
      'iptables -t nat -A PREROUTING -p tcp --dport 2222 -j REDIRECT --to-ports 22',
      'iptables -t nat -A POSTROUTING -s 192.0.2.0/24 -j MASQUERADE',
      'iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu',
      'iptables -N DOCKER-USER',
      'iptables -A DOCKER-USER -s 192.0.2.66/32 -j DROP',
    ];
    /** The user's own rules in their order, as the kernel has them. */
    const own = async () =>
      (await host.ok('iptables-save'))
        .split('\n')
        .filter(
          (line) => line.startsWith('-A') && /MINE|192\.0\.2|--dport 22\b|198\.51|2222|TCPMSS/.test(line),
        );
    const page = () => host.world.getSoon(`http://${HOST_IP}:8080/`);
    let at_first: string[] = [];

    before(async () => {
      host = await createHost();
      await host.sh(OWN.join('\n'));
      at_first = await own();
      assert.equal(at_first.length, OWN.length - 2);
      daemon = await startDaemon(host, { images: ['nginx'] });
    });
    after(() => host?.dispose());

    it('row 15: rules that were there are neither deleted nor changed, whatever happens', async () => {
      const cli = daemon.client(client);
      const unchanged = async (when: string) => assert.deepEqual(await own(), at_first, when);
      await unchanged('after the start');
      await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
      await unchanged('with a container');
      assert.match(await page(), /^hello/);
      await cli('rm', '-f', 'web');
      await unchanged('without it');
      await daemon.restart();
      await unchanged('after a restart');
      await daemon.kill();
      await daemon.start();
      await unchanged('after a crash');
    });

    it("row 15: a rule of the user's in every chain of ours stays, too", async () => {
      const cli = daemon.client(client);
      const chains = [
        'DOCKER',
        'DOCKER-ISOLATION-STAGE-1',
        'DOCKER-ISOLATION-STAGE-2',
        'DOCKER-USER',
        'FORWARD',
      ];
      for (const chain of chains) await host.ok('iptables', '-I', chain, '-s', '192.0.2.99', '-j', 'RETURN');
      await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
      await cli('rm', '-f', 'web');
      await daemon.restart();
      const rules = await host.rules('filter');
      for (const chain of chains) assert.ok(rules.includes(`-A ${chain} -s 192.0.2.99/32 -j RETURN`), chain);
      for (const chain of chains) await host.ok('iptables', '-D', chain, '-s', '192.0.2.99', '-j', 'RETURN');
    });

    it('row 15: DOCKER-USER is asked first: a DROP there closes a published port', async () => {
      const cli = daemon.client(client);
      await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
      assert.match(await page(), /^hello/);
      await host.ok(
        'iptables',
        '-I',
        'DOCKER-USER',
        '-i',
        'eth0',
        '-p',
        'tcp',
        '--dport',
        '80',
        '-j',
        'DROP',
      );
      assert.ok(await host.world.unanswered(`http://${HOST_IP}:8080/`));
      await daemon.restart();
      await cli('start', 'web');
      assert.ok(await host.world.unanswered(`http://${HOST_IP}:8080/`), 'also after a restart of the daemon');
      await host.ok(
        'iptables',
        '-D',
        'DOCKER-USER',
        '-i',
        'eth0',
        '-p',
        'tcp',
        '--dport',
        '80',
        '-j',
        'DROP',
      );
      assert.match(await page(), /^hello/);
      await cli('rm', '-f', 'web');
    });
  });
}
