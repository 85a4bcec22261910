import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CHECKS, examine } from './examine.ts';
import { parseForeignChains } from './read/rules.ts';
import {
  commands,
  found,
  host,
  mapping,
  route,
  tables,
  whats,
  whole,
  withRules,
} from './snapshot.testing.ts';
import { CATALOGUES } from './words/words.ts';

describe('examine()', () => {
  it('finds nothing in what is whole, and says of every check that it was made', () => {
    const report = examine(whole, { host: 'box', language: 'ko' });
    assert.deepEqual(report.findings, []);
    assert.deepEqual(
      report.checks.map(({ id, status }) => [id, status]),
      CHECKS.map(({ id }) => [id, 'ok']),
    );
    assert.ok(report.checks.every(({ title }) => title !== ''));
  });

  it('what could not be read is said by the checks that need it, and by no other', () => {
    const report = examine(
      { ...whole, conntrack: () => assert.fail('no /proc') },
      { host: 'box', language: 'en', without: ['leftovers'] },
    );
    assert.deepEqual(
      report.checks.filter(({ status }) => status !== 'ok').map(({ id, reason }) => [id, reason]),
      [
        ['conntrack-missing', 'no /proc'],
        ['conntrack-full', 'no /proc'],
      ],
    );
    assert.equal(report.checks.length, CHECKS.length - 1);
  });

  it('every language has words of its own for every check', () => {
    for (const { id } of CHECKS) assert.notEqual(CATALOGUES.en[id].title, CATALOGUES.ko[id].title);
  });
});

describe('checks of traffic', () => {
  const use = (entries: number, dropped = 0) => ({
    conntrack: () => ({ entries, limit: 1000, dropped, earlyDropped: 0, insertFailed: 0 }),
  });

  it('a table of connections that is nearly full is a warning, and a full one an error', () => {
    assert.deepEqual(whats(use(899)), []);
    assert.deepEqual(whats(use(900)), ['conntrack-full warning host host']);
    assert.match(found(use(1000, 7))[0]?.text ?? '', /is full: 1000 of 1000; 7 packets were lost/);
    assert.deepEqual(whats({ conntrack: () => undefined }), ['conntrack-missing error host host']);
    assert.deepEqual(whats({ conntrack: () => undefined, firewall: 'none' }), []);
  });

  it('local ports that run out are told with the container that they lead to', () => {
    const stats = (timeWait: number, exhausted: number, active = 0) => ({
      ports: () => ({
        stats: {
          pid: 1,
          tcp: { active },
          targets: [{ target: '172.17.0.2:80', active, timeWait, reused: 0, exhausted }],
        } as never,
        wanted: [],
        lost: [],
      }),
    });
    assert.deepEqual(whats(stats(25_000, 0)), []);
    assert.deepEqual(whats(stats(28_000, 0)), ['time-wait warning container web']);
    assert.deepEqual(whats(stats(10, 3, 20_000)), ['time-wait error container web']);
    assert.deepEqual(whats(stats(28_000, 3)), ['time-wait error container web']);
    // It was so once, and is over.
    assert.deepEqual(whats(stats(10, 3)), []);
    assert.deepEqual(commands(stats(28_000, 0)), ["sysctl -w 'net.ipv4.ip_local_port_range=10240 65535'"]);
  });

  it('a keeper that does not run is a fault where ports are published', () => {
    assert.deepEqual(whats({ ports: () => ({ stats: undefined, wanted: [mapping], lost: [mapping] }) }), [
      'proxy-down error daemon bridgeport',
    ]);
  });
});

describe('checks of rules', () => {
  const missing = {
    family: 4,
    text: 'iptables -t nat -A DOCKER x',
    origin: { key: 'port-translate', endpointId: 'e' },
  } as const;

  it('a flush is told once, a rule by its owner', () => {
    assert.deepEqual(whats(withRules({ missing: [missing] })), ['rules-missing error container web']);
    assert.deepEqual(whats(withRules({ missing: [missing, { ...missing, origin: undefined }] })), [
      'rules-missing error daemon bridgeport',
    ]);
  });

  it('rules of others count where they come before ours and drop all of a network', () => {
    const saved = (...lines: string[]) =>
      tables(`*filter\n:FORWARD DROP [0:0]\n${lines.map((line) => `-A FORWARD ${line}\n`).join('')}COMMIT\n`);
    const expected = ['rules-shadowed error program iptables -t filter FORWARD'];
    for (const rule of [
      '-j DROP',
      '-i docker0 -j DROP',
      '-o docker+ -j REJECT --reject-with x',
      '-m comment --comment "a b" -j DROP',
    ]) {
      assert.deepEqual(whats(withRules({ tables: saved(rule, '-j DOCKER-USER') })), expected, rule);
      assert.deepEqual(whats(withRules({ tables: saved('-j DOCKER-USER', rule) })), [], rule);
    }
    for (const rule of [
      '-s 192.0.2.9/32 -j DROP',
      '-i eth9 -j DROP',
      '-p tcp --dport 25 -j DROP',
      '-j ACCEPT',
    ]) {
      assert.deepEqual(whats(withRules({ tables: saved(rule, '-j DOCKER-USER') })), [], rule);
    }
  });

  it('a policy of DROP is ours with iptables, and a fault in tables that are not ours', () => {
    const drop = tables('*filter\n:FORWARD DROP [0:0]\nCOMMIT\n');
    assert.deepEqual(whats(withRules({ tables: drop })), []);
    assert.deepEqual(whats({ ...withRules({ tables: drop }), firewall: 'nftables' }), [
      'rules-shadowed error program iptables -t filter FORWARD',
    ]);
    assert.deepEqual(whats(withRules({ legacy: drop })), [
      'rules-shadowed error program iptables-legacy -t filter FORWARD',
    ]);
    const lets = tables('*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i docker0 -j ACCEPT\nCOMMIT\n');
    assert.deepEqual(whats(withRules({ legacy: lets })), []);
  });

  it('chains of others are told unless they let packets of our bridges through', () => {
    const chain = (policy: string, ...body: string[]) => `table inet filter {
	chain forward {
		type filter hook forward priority filter; policy ${policy};
${body.map((line) => `\t\t${line}\n`).join('')}	}

	chain input {
		type filter hook input priority filter; policy drop;
	}
}
`;
    const of = (text: string) => whats(withRules({ foreign: parseForeignChains(text) }));
    const told = ['rules-shadowed error program nft inet filter forward'];
    assert.deepEqual(of(chain('drop')), told);
    assert.deepEqual(
      of(chain('accept', 'ct state established accept', 'reject with icmpx admin-prohibited')),
      told,
    );
    assert.deepEqual(of(chain('drop', 'iifname "docker0" accept')), []);
    assert.deepEqual(of(chain('drop', 'accept')), []);
    assert.deepEqual(of(chain('accept', 'ip saddr 192.0.2.9 drop')), []);
  });

  it('a rule that drops "too big" is an error where the way out is smaller than the bridge', () => {
    const icmp = (rule: string) => tables(`*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ${rule}\nCOMMIT\n`);
    const where = 'program iptables -t filter INPUT';
    assert.deepEqual(whats(withRules({ tables: icmp('-p icmp -j DROP') })), [
      `icmp-dropped warning ${where}`,
    ]);
    const small = {
      ...host,
      links: host.links.map((each) => (each.name === 'eth0' ? { ...each, mtu: 1400 } : each)),
    };
    assert.deepEqual(
      whats({ host: () => small, ...withRules({ tables: icmp('-p icmp -m icmp --icmp-type 3 -j DROP') }) }),
      [`icmp-dropped error ${where}`, 'mtu-mismatch warning network bridge'],
    );
    const after = (first: string) =>
      whats(
        withRules({
          tables: tables(
            `*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ${first}\n-A INPUT -p icmp -j DROP\nCOMMIT\n`,
          ),
        }),
      );
    for (const rule of [
      '-p icmp -m icmp --icmp-type 3/4 -j ACCEPT',
      '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '-p icmp -m comment --comment "all of it" -j ACCEPT',
    ]) {
      assert.deepEqual(after(rule), [], rule);
    }
    for (const rule of [
      '-p icmp -m icmp --icmp-type 8 -j ACCEPT',
      '-i eth9 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '-s 192.0.2.1/32 -p icmp -j ACCEPT',
      '-m conntrack --ctstate ESTABLISHED -j ACCEPT',
    ]) {
      assert.deepEqual(after(rule), [`icmp-dropped warning ${where}`], rule);
    }
    for (const rule of [
      '-p icmp -m icmp --icmp-type 8 -j DROP',
      '-p icmp -j ACCEPT',
      '-p icmp -m limit --limit 9/sec -j DROP',
    ]) {
      assert.deepEqual(whats(withRules({ tables: icmp(rule) })), [], rule);
    }
  });
});

describe('checks of addresses', () => {
  it('who answers for an address and is no container is told by its hardware address', () => {
    const claims = (...macs: string[]) => ({
      claims: () => [{ address: '172.17.0.2', bridge: 'docker0', macs }],
    });
    assert.deepEqual(whats(claims('02:42:ac:11:00:02')), []);
    const [stranger] = found(claims('02:42:ac:11:00:02', 'aa:bb:cc:dd:ee:ff'));
    assert.equal(stranger?.what, 'address-twice error container web');
    assert.match(stranger?.text ?? '', /172\.17\.0\.2 of web is held by aa:bb:cc:dd:ee:ff too/);
  });

  it('a default route in two halves is no route over a network', () => {
    const over = (destination: string) => ({
      host: () => ({ ...host, routes: [...host.routes, route({ destination, link: 2 })] }),
    });
    assert.deepEqual(whats(over('128.0.0.0/1')), []);
    assert.deepEqual(whats(over('172.0.0.0/8')), ['route-over-subnet warning program eth0']);
  });

  it('a route to nowhere hides a network as one to elsewhere does', () => {
    const blackhole = route({ destination: '172.17.0.0/24', type: 'blackhole', link: undefined });
    const hidden = {
      ...host,
      routes: [...host.routes, blackhole],
      waysTo: new Map([['172.17.0.2', undefined]]),
    };
    assert.deepEqual(whats({ host: () => hidden }), ['route-over-subnet error program nowhere']);
  });
});
