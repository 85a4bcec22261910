/**
 * Compiled rulesets, applied to a real kernel and read back. `UPDATE_GOLDEN=1` writes the golden files anew: they hold what
 * nft said, not what we wrote.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { warmThreadPool } from '../../../kernel/netns/index.ts';
import { encodeNft } from '../../../kernel/nft/encode/commands.ts';
import { type TestNetworks, testNetworks } from '../../../kernel/testing/netns.ts';
import { seededRandom } from '../../ipam/seeded-random.testing.ts';
import { intentOf, link, network, published, SCENARIOS } from '../iptables/scenarios.testing.ts';
import { compileNftables } from './compile.ts';
import { formatNft } from './format.ts';
import { FORWARD, USER_CHAIN } from './layout.ts';
import { normalListing } from './listing.testing.ts';
import { missingNft } from './missing.ts';
import { planNft } from './plan.ts';
import { emptyNftRuleset, type NftRuleset, setsByTable } from './ruleset.ts';
import { TestTables } from './tables.testing.ts';

const golden = (name: string) => new URL(`./golden/${name}.nft`, import.meta.url);
const NOTHING = emptyNftRuleset();
const docker0 = (options: Parameters<typeof network>[2] = {}) => network('docker0', '172.17.0.0/16', options);
const v4Only = { enabled: { v4: true, v6: false } };
const WEB = compileNftables(intentOf([docker0({ ports: [published('172.17.0.2', '8080:80')] })], v4Only));

describe('nftables rulesets in the kernel', () => {
  let networks: TestNetworks;
  let made = 0;
  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
  });
  after(() => networks?.[Symbol.dispose]());
  const tables = () => new TestTables(networks, `t${made++}`);

  for (const [name, intent] of Object.entries(SCENARIOS)) {
    test(`${name}: is read back as the golden file, is stable, and goes away`, () => {
      using host = tables();
      const set = compileNftables(intent);
      host.apply(NOTHING, set);
      const listed = host.list();
      const file = golden(name);
      if (process.env.UPDATE_GOLDEN === '1' || !existsSync(file)) writeFileSync(file, listed);
      assert.equal(listed, readFileSync(file, 'utf8'));
      assert.equal(
        normalListing(formatNft(set)),
        normalListing(listed),
        'what we say is what the kernel says',
      );
      assert.equal(host.apply(set, set), '', 'a second time there is nothing to do');
      assert.equal(host.apply(NOTHING, set), '', 'nor after the record was lost');
      assert.equal(planNft(set, set), '');
      assert.deepEqual(missingNft(set, host.observe()), []);
      host.apply(NOTHING, NOTHING);
      assert.equal(host.list(), '');
    });
  }

  test('a network, and a port, come and go by commands that libnftables need not read', () => {
    // The first port on localhost brings rules for all networks, which libnftables writes.
    const first = docker0({ ports: [published('172.17.0.2', '8000:80')] });
    const bare = [first, network('br-a', '172.18.0.0/16')];
    const more = [
      ...bare,
      network('br-b', '172.19.0.0/16', {
        ports: [published('172.19.0.2', '8080:80'), published('172.19.0.2', '9000-9010:9000-9010')],
      }),
      network('br-in', '172.20.0.0/16', { internal: true }),
      network('br-routed', '172.21.0.0/16', { v4: { subnets: ['172.21.0.0/16'], mode: 'routed' } }),
    ];
    for (const options of [{}, { userlandProxy: false }, { localhostByKernel: true }]) {
      const [few, many] = [bare, more].map((networks) => compileNftables(intentOf(networks, options)));
      assert.ok(few && many);
      for (const [from, to] of [[few, many] as const, [many, few] as const]) {
        const text = planNft(from, to);
        assert.ok(encodeNft(text, setsByTable(to)), text);
      }
    }
  });

  for (const way of ['apply', 'applyBelieved'] as const) {
    test(`goes from each scenario to each other as if the other had been first (${way})`, () => {
      using host = tables();
      let previous = NOTHING;
      const names = Object.keys(SCENARIOS);
      for (const from of names) {
        for (const to of names) {
          for (const name of [from, to]) {
            const next = compileNftables(SCENARIOS[name] ?? intentOf([]));
            host[way](previous, next);
            previous = next;
          }
          assert.equal(
            normalListing(host.list()),
            normalListing(readFileSync(golden(to), 'utf8')),
            `${from} → ${to}`,
          );
        }
      }
    });
  }

  test('a port that is published or goes is one element of two maps, and no rule', () => {
    const before = compileNftables(
      intentOf([docker0({ ports: [published('172.17.0.2', '8080:80')] })], v4Only),
    );
    const after = compileNftables(
      intentOf(
        [
          docker0({
            ports: [published('172.17.0.2', '8080:80'), published('172.17.0.3', '20000-20499:20000-20499')],
          }),
        ],
        v4Only,
      ),
    );
    assert.equal(
      planNft(before, after),
      'add element ip docker-bridges filter-port-ranges { 172.17.0.3 . tcp . 20000-20499 }\n' +
        'add element ip docker-bridges nat-port-ranges { tcp . 20000-20499 : 172.17.0.3 }\n',
    );
    assert.equal(
      planNft(after, before),
      'delete element ip docker-bridges filter-port-ranges { 172.17.0.3 . tcp . 20000-20499 }\n' +
        'delete element ip docker-bridges nat-port-ranges { tcp . 20000-20499 }\n',
    );
  });

  test('a port that moves to another container is replaced in one transaction, single or in a range', () => {
    using host = tables();
    const at = (ip: string) =>
      compileNftables(
        intentOf(
          [docker0({ ports: [published(ip, '8080:80'), published(ip, '9000-9010:9000-9010')] })],
          v4Only,
        ),
      );
    host.apply(NOTHING, at('172.17.0.2'));
    host.applyBelieved(at('172.17.0.2'), at('172.17.0.3'));
    assert.match(host.list(), /tcp \. 8080 : 172\.17\.0\.3 \. 80/);
    assert.match(host.list(), /tcp \. 9000-9010 : 172\.17\.0\.3/);
    assert.doesNotMatch(host.list(), /172\.17\.0\.2/);
  });

  test('bridges with unusual names have chains and elements', () => {
    using host = tables();
    const names = ['br.100', 'br:1', 'br@x', 'br-ü', '0br', '-br', 'br+', '4294967296', 'br,b'];
    const set = compileNftables(
      intentOf(
        names.map((name, index) => network(name, `172.${index + 30}.0.0/16`)),
        v4Only,
      ),
    );
    host.apply(NOTHING, set);
    assert.equal(host.apply(set, set), '');
    host.apply(set, NOTHING);
    assert.equal(host.list(), '');
  });

  test('a transaction that fails changes nothing, in neither family', () => {
    using host = tables();
    const scenario = compileNftables(SCENARIOS['dual-stack'] ?? intentOf([]));
    host.apply(NOTHING, scenario);
    const whole = host.list();
    host.nft.run('delete element ip6 docker-bridges nat-ports { tcp . 8080 }');
    const holed = host.list();
    // The record says that the element is there, so the plan deletes it, last of all.
    assert.throws(() => host.applyBelieved(scenario, compileNftables(intentOf([docker0()]))), /No such file/);
    assert.equal(host.list(), holed);
    assert.notEqual(host.apply(scenario, scenario), '');
    assert.equal(normalListing(host.list()), normalListing(whole));
  });

  test('a record that is lost makes the believed plan fail, and not double the rules', () => {
    using host = tables();
    host.apply(NOTHING, WEB);
    const whole = host.list();
    assert.throws(() => host.applyBelieved(NOTHING, WEB), /File exists/);
    assert.equal(host.list(), whole);
  });

  test('heals what somebody took away, and `missingNft()` says what it was', () => {
    using host = tables();
    host.apply(NOTHING, WEB);
    const whole = normalListing(host.list());
    const heal = (harm: string) => {
      host.nft.run(harm);
      const missing = missingNft(WEB, host.observe()).map(({ kind, name }) => `${kind} ${name}`);
      assert.notEqual(host.apply(WEB, WEB), '', harm);
      assert.equal(normalListing(host.list()), whole, harm);
      return missing;
    };
    assert.deepEqual(heal('flush ruleset'), ['table docker-bridges']);
    assert.deepEqual(heal('delete table ip docker-bridges'), ['table docker-bridges']);
    assert.deepEqual(heal('flush chain ip docker-bridges nat-OUTPUT'), [
      'rule nat-OUTPUT: ip daddr != 127.0.0.0/8 fib daddr type local jump nat-prerouting-and-output',
    ]);
    assert.deepEqual(heal('flush map ip docker-bridges nat-ports'), ['element nat-ports: tcp . 8080']);
    assert.deepEqual(
      heal(
        'add chain ip docker-bridges filter-FORWARD { type filter hook forward priority 0; policy accept; }',
      ),
      ['policy filter-FORWARD'],
    );
    const rules = WEB.v4.chains.flatMap((chain) => chain.rules).length;
    assert.equal(heal('flush table ip docker-bridges').length, rules);
    assert.deepEqual(heal('add element ip docker-bridges nat-ports { tcp . 1 : 172.17.0.9 . 1 }'), []);
  });

  test("leaves the user's chain, tables and rules alone, and keeps the way into the user's chain while it holds rules", () => {
    using host = tables();
    host.nft.run(
      'table ip mine { chain c { type filter hook forward priority -1; ip saddr 192.0.2.1 drop; }; }',
    );
    const mine = host.nft.run('list table ip mine');
    host.apply(NOTHING, WEB);
    host.nft.run(`add rule ip docker-bridges ${USER_CHAIN} ip saddr 192.0.2.7 drop`);
    host.nft.run('insert rule ip docker-bridges nat-OUTPUT ip daddr 192.0.2.1 return');
    host.nft.run('add rule ip docker-bridges nat-OUTPUT ip daddr 192.0.2.2 return');
    host.nft.run('add chain ip docker-bridges theirs');
    host.nft.run('add rule ip docker-bridges theirs jump filter-forward-in__docker0');
    assert.equal(host.apply(WEB, WEB), '', 'what others add is not missing');
    const withoutProxy = compileNftables(
      intentOf([docker0({ ports: [published('172.17.0.2', '8080:80')] })], {
        ...v4Only,
        userlandProxy: false,
      }),
    );
    host.apply(WEB, withoutProxy);
    assert.match(
      host.nft.run('list chain ip docker-bridges nat-OUTPUT', { output: ['stateless'] }),
      /192\.0\.2\.1 return\n\s+fib daddr .*\n\s+ip daddr 192\.0\.2\.2 return\n/,
    );
    host.apply(withoutProxy, compileNftables(intentOf([], v4Only)));
    assert.match(
      host.list(),
      /chain filter-forward-in__docker0 \{\n\t\}/,
      'others jump there, so it is only emptied',
    );
    host.nft.run(`delete rule ip docker-bridges theirs handle ${handleOf(host, 'theirs')}`);
    host.nft.run('delete chain ip docker-bridges theirs');
    host.apply(WEB, NOTHING);
    assert.match(host.list(), /chain DOCKER-USER \{\n\t\tip saddr 192\.0\.2\.7 drop/);
    assert.match(host.list(), /jump DOCKER-USER/);
    assert.match(host.list(), /policy accept/);
    assert.doesNotMatch(host.list(), /docker0|nat-ports/);
    assert.equal(host.apply(NOTHING, NOTHING), '');
    host.apply(NOTHING, WEB);
    assert.match(host.list(), /192\.0\.2\.7 drop/);
    host.applyBelieved(WEB, NOTHING);
    assert.match(host.list(), /192\.0\.2\.7 drop/, 'what was not read is not removed');
    host.nft.run(`flush chain ip docker-bridges ${USER_CHAIN}`);
    host.apply(NOTHING, NOTHING);
    assert.equal(host.list(), '');
    assert.equal(host.nft.run('list table ip mine'), mine);
  });

  test('a table of that name which another program wrote is neither changed nor removed', () => {
    using host = tables();
    host.nft.run(
      'table ip docker-bridges { chain filter-FORWARD { type filter hook forward priority 0; counter accept comment "ICC"; }; }',
    );
    const theirs = host.list();
    assert.equal(host.apply(NOTHING, NOTHING), '');
    assert.throws(() => host.apply(NOTHING, WEB), { kind: 'conflict' });
    assert.equal(host.list(), theirs);
  });

  test('another layout of an earlier release is replaced as a whole, in one transaction, but for what is not ours', () => {
    using host = tables();
    const old = structuredClone(WEB) as unknown as {
      v4: {
        sets: { name: string; interval: boolean }[];
        chains: { name: string; hook?: { priority: number } }[];
      };
    };
    for (const set of old.v4.sets) if (set.name === 'filter-ports') set.interval = true;
    for (const chain of old.v4.chains) if (chain.name === FORWARD && chain.hook) chain.hook.priority = 5;
    host.apply(NOTHING, old as unknown as NftRuleset);
    host.nft.run(`add rule ip docker-bridges ${USER_CHAIN} ip saddr 192.0.2.7 drop`);
    host.apply(old as unknown as NftRuleset, WEB);
    assert.match(host.list(), /192\.0\.2\.7 drop/);
    host.nft.run(`flush chain ip docker-bridges ${USER_CHAIN}`);
    assert.equal(normalListing(host.list()), normalListing(formatNft(WEB)));
    host.applyBelieved(WEB, old as unknown as NftRuleset);
    host.applyBelieved(old as unknown as NftRuleset, WEB);
    assert.equal(normalListing(host.list()), normalListing(formatNft(WEB)));
  });

  test('random changes, believed or read, with and without damage, come to what was asked for', () => {
    using host = tables();
    const below = seededRandom(20261122);
    const some = <T>(items: readonly T[]): T => items[below(items.length)] as T;
    let previous = NOTHING;
    for (let round = 0; round < 120; round++) {
      const networks = ['docker0', 'br-a', 'br-b', 'br-c']
        .filter(() => below(4) > 0)
        .map((name, index) => {
          const v6 = below(2) === 0 ? { v6: { subnets: [`fd00:${index}::/64`], mode: 'nat' as const } } : {};
          const container = () => `172.${20 + index}.0.${2 + below(3)}`;
          return network(name, `172.${20 + index}.0.0/16`, {
            ...v6,
            icc: below(2) === 0,
            internal: below(6) === 0,
            masquerade: below(4) > 0,
            v4: {
              subnets: [`172.${20 + index}.0.0/16`],
              mode: some(['nat', 'nat', 'routed', 'nat-unprotected'] as const),
            },
            ports: Array.from({ length: below(8) }, () => {
              const start = 8000 + below(30);
              const end = start + below(6);
              const proto = some(['tcp', 'udp']);
              const address = some(['', '', '127.0.0.1:', '10.0.0.1:']);
              const shift = some([0, 0, 100]);
              return published(
                container(),
                `${address}${start}-${end}:${start + shift}-${end + shift}/${proto}`,
              );
            }),
            links: Array.from({ length: below(3) }, () =>
              link(container(), container(), `${80 + below(3)}/tcp`),
            ),
          });
        });
      const next = compileNftables(intentOf(networks, { userlandProxy: below(3) > 0 }));
      const harm = below(5) === 0 && round > 0;
      if (harm)
        host.nft.run(
          some([
            'flush ruleset',
            'flush chain ip docker-bridges nat-PREROUTING',
            'flush map ip docker-bridges nat-ports',
          ]),
        );
      if (harm || below(2) === 0) host.apply(previous, next);
      else host.applyBelieved(previous, next);
      assert.equal(normalListing(host.list()), normalListing(formatNft(next)), `round ${round}`);
      assert.equal(host.apply(next, next), '');
      previous = next;
    }
  });
});

function handleOf(host: TestTables, chain: string): string {
  const listed = host.nft.run(`list chain ip docker-bridges ${chain}`, { output: ['handles'] });
  return /jump \S+ # handle (\d+)/.exec(listed)?.[1] ?? '';
}
