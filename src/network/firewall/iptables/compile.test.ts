import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { isKind } from '../../../base/errors.ts';
import { seededRandom } from '../../ipam/seeded-random.testing.ts';
import type { NetworkIntent } from '../intent.ts';
import { compileNone } from '../none.ts';
import { SENTENCES } from '../origin.ts';
import { compileIptables, IptablesCompiler } from './compile.ts';
import { differences } from './difference.ts';
import { parseSaved } from './observed.ts';
import { planTransaction } from './plan.ts';
import { emptyRuleSet, formatRuleSet, type RuleSet, ruleLine } from './rules.ts';
import { compiled, intentOf, link, network, published, SCENARIOS } from './scenarios.testing.ts';

const lines = (set: RuleSet, chain: string, table = 'filter') =>
  set.rules.filter((rule) => rule.table === table && rule.chain === chain).map(ruleLine);
const v4 = (...args: Parameters<typeof intentOf>) => compileIptables(intentOf(...args)).v4;
const bridge = (options: Parameters<typeof network>[2] = {}) => network('docker0', '172.17.0.0/16', options);

describe('compileIptables, against what the kernel read back', () => {
  for (const [name, intent] of Object.entries(SCENARIOS)) {
    for (const [family, set] of compiled(intent)) {
      test(`${name}, ${family}: is the golden file, and nothing besides`, () => {
        const golden = readFileSync(new URL(`./golden/${name}.${family}.rules`, import.meta.url), 'utf8');
        const observed = parseSaved(golden);
        assert.equal(planTransaction(emptyRuleSet(set.family), set, { observed, missing: 'restore' }), '');
        const known = new Set(formatRuleSet(set).split('\n'));
        assert.deepEqual(
          golden.split('\n').filter((line) => line.startsWith('-A') && !known.has(line)),
          [],
        );
      });
    }
  }
});

describe('compileIptables, the rows of the specification', () => {
  test('row 9: a published port is let in, an unpublished container has no rule', () => {
    const set = v4([bridge({ ports: [published('172.17.0.2', '8080:80')] })]);
    assert.deepEqual(lines(set, 'DOCKER'), [
      '-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT',
    ]);
    assert.deepEqual(lines(set, 'DOCKER', 'nat'), [
      '-A DOCKER -i docker0 -j RETURN',
      '-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
    ]);
    assert.deepEqual(lines(v4([bridge()]), 'DOCKER'), []);
  });

  test('rows 10 and 16: chain FORWARD, with icc and without', () => {
    const forward = [
      '-A FORWARD -j DOCKER-USER',
      '-A FORWARD -j DOCKER-ISOLATION-STAGE-1',
      '-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '-A FORWARD -o docker0 -j DOCKER',
      '-A FORWARD -i docker0 ! -o docker0 -j ACCEPT',
    ];
    assert.deepEqual(lines(v4([bridge()]), 'FORWARD'), [
      ...forward,
      '-A FORWARD -i docker0 -o docker0 -j ACCEPT',
    ]);
    assert.deepEqual(lines(v4([bridge({ icc: false })]), 'FORWARD'), [
      ...forward,
      '-A FORWARD -i docker0 -o docker0 -j DROP',
    ]);
  });

  test('row 17: a link is two rules per exposed port, and none where icc is on', () => {
    const links = [link('172.17.0.3', '172.17.0.2', '80/tcp')];
    assert.deepEqual(lines(v4([bridge({ icc: false, links })]), 'DOCKER'), [
      '-A DOCKER -s 172.17.0.3/32 -d 172.17.0.2/32 -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT',
      '-A DOCKER -s 172.17.0.2/32 -d 172.17.0.3/32 -i docker0 -o docker0 -p tcp -m tcp --sport 80 -j ACCEPT',
    ]);
    assert.deepEqual(lines(v4([bridge({ links })]), 'DOCKER'), []);
  });

  test('row 11: no rule at all with the firewall off', () => {
    const intent = intentOf([bridge({ ports: [published('172.17.0.2', '8080:80')] })], {
      enabled: { v4: false, v6: false },
    });
    assert.deepEqual(compileIptables(intent), compileNone(intent));
    assert.deepEqual(compileNone(intent).v4, { family: 4, chains: [], rules: [] });
  });
});

describe('compileIptables, ports', () => {
  test('ports that go on in step are one rule, however they were given', () => {
    const single = [20002, 20000, 20001].map((port) => published('172.17.0.2', `${port}:${port}`));
    const range = [published('172.17.0.2', '20000-20002:20000-20002')];
    const set = v4([bridge({ ports: single })]);
    assert.deepEqual(lines(set, 'DOCKER', 'nat').slice(1), [
      '-A DOCKER ! -i docker0 -p tcp -m tcp --dport 20000:20002 -j DNAT --to-destination 172.17.0.2',
    ]);
    assert.equal(formatRuleSet(set), formatRuleSet(v4([bridge({ ports: range })])));
  });

  test('ports of different containers, protocols or host addresses are not joined', () => {
    const set = v4([
      bridge({
        ports: [
          published('172.17.0.2', '80:80'),
          published('172.17.0.3', '81:81'),
          published('172.17.0.2', '82:82/udp'),
          published('172.17.0.2', '127.0.0.1:83:83'),
        ],
      }),
    ]);
    assert.equal(lines(set, 'DOCKER', 'nat').length, 5);
  });

  test('a shifted range is translated port by port and let in as one', () => {
    const set = v4([bridge({ ports: [published('172.17.0.2', '2000-2002:3000-3002')] })]);
    assert.deepEqual(
      lines(set, 'DOCKER', 'nat').map((line) => line.split(' ').at(-1)),
      ['RETURN', '172.17.0.2:3000', '172.17.0.2:3001', '172.17.0.2:3002'],
    );
    assert.equal(lines(set, 'DOCKER').length, 1);
  });

  test('two host ports of one container port let it in once', () => {
    const set = v4([
      bridge({ ports: [published('172.17.0.2', '8080:80'), published('172.17.0.2', '9090:80')] }),
    ]);
    assert.equal(lines(set, 'DOCKER').length, 1);
    assert.equal(lines(set, 'DOCKER', 'nat').length, 3);
    assert.equal(lines(set, 'POSTROUTING', 'nat').length, 2);
  });

  test('loopback is protected where something is published on it, or without the proxy', () => {
    const raw = (...args: Parameters<typeof intentOf>) => lines(v4(...args), 'PREROUTING', 'raw');
    const drop = ['-A PREROUTING -d 127.0.0.0/8 ! -i lo -j DROP'];
    assert.deepEqual(raw([bridge()]), []);
    assert.deepEqual(raw([bridge({ ports: [published('172.17.0.2', '8080:80')] })]), []);
    assert.deepEqual(raw([bridge({ ports: [published('172.17.0.2', '127.0.0.1:8080:80')] })]), drop);
    assert.deepEqual(raw([bridge({ ports: [published('172.17.0.2', '127.1.2.3:8080:80')] })]), drop);
    const both = [...drop, '-A PREROUTING -s 127.0.0.0/8 ! -i lo -j DROP'];
    assert.deepEqual(raw([bridge()], { userlandProxy: false }), both);
    const web = bridge({ ports: [published('172.17.0.2', '8080:80')] });
    assert.deepEqual(raw([web], { localhostByKernel: true }), both);
    assert.deepEqual(raw([bridge()], { localhostByKernel: true }), []);
  });

  test('localhost by the kernel: a chain of its own, where a port is published that localhost reaches, and nothing elsewhere', () => {
    const on = { localhostByKernel: true };
    const set = v4([bridge({ ports: [published('172.17.0.2', '8080:80')] })], on);
    assert.deepEqual(lines(set, 'DOCKER-LOCALHOST', 'nat'), [
      '-A DOCKER-LOCALHOST -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
    ]);
    assert.deepEqual(lines(set, 'OUTPUT', 'nat'), [
      '-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER',
      '-A OUTPUT -d 127.0.0.0/8 -j DOCKER-LOCALHOST',
    ]);
    const routed = { v4: { subnets: ['172.17.0.0/16'], mode: 'routed' } } as const;
    const elsewhere = [published('172.17.0.2', '10.77.0.1:8080:80')];
    for (const options of [{ internal: true }, routed, { ports: elsewhere }, { ports: [] }]) {
      const none = v4([bridge({ ports: [published('172.17.0.2', '8080:80')], ...options })], on);
      assert.deepEqual(lines(none, 'PREROUTING', 'raw'), []);
      assert.equal(lines(none, 'OUTPUT', 'nat').length, 1);
      assert.ok(!none.chains.some(({ name }) => name === 'DOCKER-LOCALHOST'));
    }
  });

  test('a host address of the other family has no rule', () => {
    const set = compileIptables(intentOf([bridge({ ports: [published('172.17.0.2', '[::]:8080:80')] })]));
    assert.deepEqual([...lines(set.v4, 'DOCKER'), ...lines(set.v6, 'DOCKER')], []);
  });

  test('an internal network publishes nothing and opens no link', () => {
    const set = v4([
      bridge({
        internal: true,
        icc: false,
        ports: [published('172.17.0.2', '8080:80')],
        links: [link('172.17.0.3', '172.17.0.2', '80/tcp')],
      }),
    ]);
    assert.deepEqual([...lines(set, 'DOCKER'), ...lines(set, 'DOCKER', 'nat')], []);
  });

  test('refuses ranges that do not match', () => {
    const wrong = { ...published('172.17.0.2', '80:80'), containerPortEnd: 90 };
    assert.throws(
      () => v4([bridge({ ports: [wrong] })]),
      (error) => isKind(error, 'invalid') && /not two port ranges of one size/.test(error.message),
    );
    const backwards = { ...published('172.17.0.2', '80:80'), containerPort: 90, hostPort: 90 };
    assert.throws(() => v4([bridge({ ports: [backwards] })]), /not two port ranges/);
  });
});

describe('IptablesCompiler', () => {
  test('compiles one intent after the other as if each were the first, and keeps what has not changed', () => {
    const random = seededRandom(16);
    const compiler = new IptablesCompiler();
    let networks: NetworkIntent[] = [];
    let made = 0;
    for (let round = 0; round < 150; round++) {
      const at = random(networks.length + 1);
      const subnet = `10.${made >> 8}.${made & 255}.0/24`;
      const ports = random(10) < 4 ? [published(subnet.replace('0/24', '2'), `${8000 + made}:80`)] : [];
      const mode = (['nat', 'nat', 'routed', 'nat-unprotected'] as const)[random(4)] ?? 'nat';
      const trusted = random(10) < 1 ? { trustedHostInterfaces: ['eth1'] } : {};
      const next = network(`br-${made++}`, subnet, {
        ports,
        internal: random(10) < 2,
        icc: random(10) < 8,
        v4: { subnets: [subnet], mode },
        ...trusted,
      });
      networks = random(10) < 6 ? networks.toSpliced(at, 0, next) : networks.toSpliced(at, 1);
      const intent = intentOf(networks, {
        userlandProxy: round % 40 < 20,
        localhostByKernel: round % 20 < 10,
      });
      const fresh = compileIptables(intent);
      const kept = compiler.compile(intent);
      assert.deepEqual(kept.v4.rules, fresh.v4.rules);
      assert.deepEqual(kept.v4.chains, fresh.v4.chains);
      assert.deepEqual(differences(kept.v4, fresh.v4), []);
    }
  });
});

describe('compileIptables, in general', () => {
  test('writes no rule twice', () => {
    for (const intent of Object.values(SCENARIOS)) {
      for (const [, set] of compiled(intent)) {
        const texts = set.rules.map((rule) => `${rule.table} ${ruleLine(rule)}`);
        assert.equal(new Set(texts).size, texts.length);
      }
    }
  });

  test('declares every chain that a rule is in or jumps to', () => {
    for (const intent of Object.values(SCENARIOS)) {
      for (const [, set] of compiled(intent)) {
        const declared = new Set(set.chains.map((chain) => `${chain.table} ${chain.name}`));
        for (const rule of set.rules) {
          assert.ok(declared.has(`${rule.table} ${rule.chain}`), ruleLine(rule));
          const target = / -j (DOCKER\S*)/.exec(` ${rule.args}`)?.[1];
          if (target !== undefined) assert.ok(declared.has(`${rule.table} ${target}`), ruleLine(rule));
        }
      }
    }
  });

  test('every rule tells where it comes from', () => {
    const set = v4([
      bridge({
        icc: false,
        ports: [published('172.17.0.2', '8080:80')],
        links: [link('172.17.0.3', '172.17.0.2', '443/tcp')],
      }),
    ]);
    for (const rule of set.rules) assert.ok(rule.origin.key in SENTENCES, ruleLine(rule));
    assert.deepEqual(set.rules.find((rule) => rule.origin.key === 'port-translate')?.origin, {
      key: 'port-translate',
      networkId: 'network-docker0',
      endpointId: 'endpoint-172.17.0.2',
      port: {
        proto: 'tcp',
        containerPort: 80,
        containerPortEnd: 80,
        hostIp: '0.0.0.0',
        hostPort: 8080,
        hostPortEnd: 8080,
      },
    });
    assert.deepEqual(set.rules.find((rule) => rule.origin.key === 'link-answer')?.origin, {
      key: 'link-answer',
      networkId: 'network-docker0',
      endpointId: 'endpoint-172.17.0.3',
      port: { proto: 'tcp', containerPort: 443, containerPortEnd: 443 },
      link: { serverEndpointId: 'endpoint-172.17.0.2', alias: 'web' },
    });
  });

  test('`allowDirectRouting` leaves the drop of direct access out', () => {
    const keys = (allowDirectRouting: boolean) =>
      new Set(v4([bridge()], { allowDirectRouting }).rules.map((rule) => rule.origin.key));
    assert.equal(keys(false).has('direct-drop'), true);
    assert.equal(keys(true).has('direct-drop'), false);
  });

  test('refuses text that would not be what it seems in a rule', () => {
    for (const name of ['br+', 'a b', 'docker0 -j ACCEPT', '', 'x'.repeat(16), '!docker0', 'br"x', '..']) {
      assert.throws(() => v4([network(name, '172.17.0.0/16')]), /cannot be an interface/, name);
    }
    assert.throws(() => v4([network('docker0', 'fd00::/64')]), /not an IPv4 prefix/);
    assert.throws(() => v4([network('docker0', '0.0.0.0')]), /invalid CIDR address/);
    assert.throws(
      () => v4([bridge({ v4: { subnets: ['172.17.0.0/16'], mode: 'nat', snatTo: 'fd00::1' } })]),
      /not an IPv4 address/,
    );
  });

  test('a network without addresses of a family has no rule in it', () => {
    const set = compileIptables(intentOf([bridge()])).v6;
    assert.equal(
      set.rules.some((rule) => rule.args.includes('docker0')),
      false,
    );
    assert.equal(set.rules.length > 0, true, 'the chains are there for others to come');
  });

  test('a routed port that is published on loopback is let in from nowhere', () => {
    const routed = (hostIp: string) =>
      compileIptables(
        intentOf([
          network('br-routed', '172.18.0.0/16', {
            v4: { subnets: ['172.18.0.0/16'], mode: 'routed' },
            ports: [{ ...published('172.18.0.2', '80:80'), hostIp, hostPort: 0, hostPortEnd: 0 }],
          }),
        ]),
      ).v4.rules.filter(({ origin }) => origin.key === 'port-accept').length;
    assert.deepEqual([routed('0.0.0.0'), routed('127.0.0.1')], [1, 0]);
  });
});
