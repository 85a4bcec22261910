/**
 * What somebody types who follows the two documents line by line. Where they say `apt-get install curl`, the images have it
 * already: there is no network to install from.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Client, ClientName } from '../../harness/client.ts';
import { startDaemon, type TestDaemon } from '../../harness/daemon.ts';
import { createHost, HOST_IP, type TestHost } from '../../harness/host.ts';
import { Terminal } from '../../harness/terminal.ts';

export function newcomer(client: ClientName): void {
  describe(`a newcomer, with ${client}`, () => {
    let host: TestHost;
    let daemon: TestDaemon;
    let docker: Client;
    /** Edits /etc/docker/daemon.json and restarts the daemon, as the first document does. */
    const configure = async (config: Record<string, unknown>) => {
      daemon.configure(config);
      await daemon.restart();
    };

    before(async () => {
      host = await createHost();
      daemon = await startDaemon(host, { images: ['nginx', 'ubuntu', 'centos:7'] });
      docker = daemon.client(client);
    });
    after(() => host?.dispose());

    it('rows 4, 6: the second document, before there is a container', async () => {
      assert.match(await host.ok('ifconfig'), /^docker0: flags=\d+<UP,BROADCAST.*> {2}mtu 1500$/m);
      assert.match(
        await host.ok('ifconfig'),
        /inet 172\.17\.0\.1 {2}netmask 255\.255\.0\.0 {2}broadcast 172\.17\.255\.255/,
      );
      const inspected = await docker('network', 'inspect', 'bridge');
      assert.match(inspected, /"Subnet": "172\.17\.0\.0\/16",\s+"Gateway": "172\.17\.0\.1"/);
      assert.match(
        inspected,
        /"Options": \{\s+"com\.docker\.network\.bridge\.default_bridge": "true",\s+"com\.docker\.network\.bridge\.enable_icc": "true",\s+"com\.docker\.network\.bridge\.enable_ip_masquerade": "true",\s+"com\.docker\.network\.bridge\.host_binding_ipv4": "0\.0\.0\.0",\s+"com\.docker\.network\.bridge\.name": "docker0",\s+"com\.docker\.network\.driver\.mtu": "1500"\s+\}/,
      );
      assert.match(await host.ok('brctl', 'show', 'docker0'), /^docker0\s+8000\.0242[0-9a-f]{8}\s+no\s*$/m);
    });

    it('rows 5, 8, 9: the second document, with one published container and one that is not', async () => {
      await docker('run', '-d', '--name', 'cadvisor', '-p', '8080:8080', 'nginx');
      assert.match(
        await host.ok('brctl', 'show', 'docker0'),
        /^docker0\s+8000\.0242[0-9a-f]{8}\s+no\s+veth[0-9a-f]{7}$/m,
      );
      assert.match(
        await docker('exec', 'cadvisor', 'ifconfig'),
        /eth0 +Link encap:Ethernet +HWaddr 02:42:AC:11:00:02/,
      );
      await docker('run', '-d', '--name', 'nginx', 'nginx');
      const listed = await docker('ps');
      assert.match(listed, /^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES/);
      assert.match(listed, /"\/docker-entrypoint\.…" .* Up .* +80\/tcp +nginx$/m);
      assert.match(listed, /0\.0\.0\.0:8080->8080\/tcp, (\[::\]|::):8080->8080\/tcp +cadvisor$/m);
      const rules = await host.ok('iptables', '-S');
      for (const line of [
        '-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        '-A FORWARD -o docker0 -j DOCKER',
        '-A FORWARD -i docker0 ! -o docker0 -j ACCEPT',
        '-A FORWARD -i docker0 -o docker0 -j ACCEPT',
        '-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 8080 -j ACCEPT',
      ]) {
        assert.ok(rules.split('\n').includes(line), `${line}\nis not among\n${rules}`);
      }
      assert.doesNotMatch(rules, /172\.17\.0\.3/, 'no rule for the one that publishes nothing');
      await docker('rm', '-f', 'cadvisor', 'nginx');
    });

    it('row 8: the first document, two nginx', async () => {
      await docker('run', '--name', 'web', '-p', '8080:80', '-d', 'nginx');
      await docker('run', '--name', 'web2', '-p', '8081:80', '-d', 'nginx');
      assert.equal((await host.ok('brctl', 'show')).match(/veth[0-9a-f]{7}/g)?.length, 2);
      const nat = await host.ok('iptables', '-t', 'nat', '-L', '-v', '-n');
      assert.match(nat, /^Chain DOCKER \(2 references\)$/m);
      assert.match(nat, /tcp dpt:8080 to:172\.17\.0\.2:80$/m);
      assert.match(nat, /tcp dpt:8081 to:172\.17\.0\.3:80$/m);
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080`), /^hello/);
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8081`), /^hello/);
    });

    it('row 11: "iptables": false in daemon.json: no DNAT, and the container is called all the same', async () => {
      await docker('stop', 'web', 'web2');
      await configure({ iptables: false });
      await docker('start', 'web');
      assert.doesNotMatch(await host.ok('iptables', '-t', 'nat', '-S'), /DNAT/);
      assert.match(await host.world.getSoon(`http://${HOST_IP}:8080`), /^hello/);
      assert.match(await host.getSoon('http://localhost:8080'), /^hello/);
      await docker('rm', '-f', 'web', 'web2');
    });

    it('row 16: "icc": false: webb1 does not answer cc1', async () => {
      await configure({ iptables: true, icc: false });
      const forward = (await host.ok('iptables', '-L', 'FORWARD')).split('\n');
      // The document's list of targets, with the user's own chain before it.
      const targets = forward.slice(2).map((line) => line.split(/\s+/)[0]);
      assert.deepEqual(targets, [
        'DOCKER-USER',
        'DOCKER-ISOLATION-STAGE-1',
        'ACCEPT',
        'DOCKER',
        'ACCEPT',
        'DROP',
      ]);
      await docker('run', '-d', '--name', 'webb1', 'nginx');
      const cc1 = Terminal.open(docker, 'run', '-it', '--name', 'cc1', 'ubuntu');
      try {
        assert.match(await cc1.line('curl -m 1 172.17.0.2'), /timed out/);
        cc1.type('exit\r');
        await cc1.end();
      } finally {
        cc1.close();
      }
      await docker('rm', '-f', 'webb1', 'cc1');
    });

    it('rows 17, 18: client1 gets nothing, client2 with a link does, and so does a rule by hand', async () => {
      await docker('run', '-d', '--name', 'web', '-p', '8080:80', 'nginx');
      const listing = () => host.ok('iptables', '-L', 'DOCKER', '-v', '-n');
      assert.match(
        await listing(),
        /^ +0 +0 ACCEPT +(tcp|6) +-- +!docker0 docker0 +0\.0\.0\.0\/0 +172\.17\.0\.2 +tcp dpt:80 *$/m,
      );

      const client1 = Terminal.open(docker, 'run', '-it', '--name', 'client1', '--rm', 'centos:7');
      try {
        assert.match(await client1.line('curl -m 1 172.17.0.2'), /timed out/);
        client1.type('exit\r');
        await client1.end();
      } finally {
        client1.close();
      }

      const client2 = Terminal.open(
        docker,
        'run',
        '-it',
        '--name',
        'client2',
        '--link',
        'web:web',
        'centos:7',
      );
      try {
        assert.match(await client2.line('curl -m 3 172.17.0.2'), /hello/);
        assert.match(await client2.line('curl -m 3 web'), /hello/);
        const added = (await listing()).split('\n').filter((line) => line.includes('172.17.0.3'));
        assert.equal(added.length, 2, 'the added rules');
        assert.match(added.join('\n'), /172\.17\.0\.3 +172\.17\.0\.2 +tcp dpt:80/);
        assert.match(added.join('\n'), /172\.17\.0\.2 +172\.17\.0\.3 +tcp spt:80/);
        // # iptables -D DOCKER 1, until only what was published is left or gone.
        const lines = (await host.rules('filter', 'DOCKER')).length - 1;
        for (let line = 0; line < lines; line++) await host.ok('iptables', '-D', 'DOCKER', '1');
        assert.match(await client2.line('curl -m 1 172.17.0.2'), /timed out/);
        const add = ['iptables', '-A', 'DOCKER', '-p', 'tcp'];
        await host.ok(...add, '--dport', '80', '-s', '172.17.0.3', '-d', '172.17.0.2', '-j', 'ACCEPT');
        // The document lets answers back by their destination's port, which only a client on port 80 would have.
        await host.ok(...add, '--dport', '80', '-s', '172.17.0.2', '-d', '172.17.0.3', '-j', 'ACCEPT');
        assert.match(await client2.line('curl -m 3 172.17.0.2'), /hello/);
        client2.type('exit\r');
        await client2.end();
      } finally {
        client2.close();
      }
      await docker('rm', '-f', 'web', 'client2');
    });

    it('and nothing of it is left', async () => {
      assert.equal(await docker('ps', '-aq'), '');
      assert.deepEqual(await host.veths(), []);
    });
  });
}
