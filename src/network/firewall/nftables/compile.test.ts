import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { seededRandom } from '../../ipam/seeded-random.testing.ts';
import { conformanceIntent } from '../conformance/layout.ts';
import type { NetworkIntent } from '../intent.ts';
import { intentOf, link, network, published, SCENARIOS } from '../iptables/scenarios.testing.ts';
import { SENTENCES } from '../origin.ts';
import { isOurComment } from './comment.ts';
import { compileNftables, NftCompiler } from './compile.ts';
import { formatNft } from './format.ts';
import { normalListing } from './listing.testing.ts';
import { planNft } from './plan.ts';
import type { NftRuleset, NftTable } from './ruleset.ts';

const docker0 = (options: Parameters<typeof network>[2] = {}) => network('docker0', '172.17.0.0/16', options);
const withPorts = (...texts: string[]) =>
  compileNftables(intentOf([docker0({ ports: texts.map((text) => published('172.17.0.2', text)) })])).v4;

function elements(table: NftTable, name: string): string[] {
  const set = table.sets.find((candidate) => candidate.name === name);
  return (set?.elements ?? []).map(({ key, data }) => (data === undefined ? key : `${key} : ${data}`));
}

describe('`compileNftables()`', () => {
  for (const [name, intent] of Object.entries(SCENARIOS)) {
    test(`${name}: is the golden file, which is what the kernel read back`, () => {
      const golden = readFileSync(new URL(`./golden/${name}.nft`, import.meta.url), 'utf8');
      assert.equal(normalListing(formatNft(compileNftables(intent))), normalListing(golden));
    });
  }

  test('every rule and element says why it is there, and every comment is known for ours', () => {
    for (const intent of [...Object.values(SCENARIOS), conformanceIntent(true), conformanceIntent(false)]) {
      const { v4, v6 } = compileNftables(intent);
      for (const { chains, sets } of [v4, v6]) {
        for (const { comment, origin } of chains.flatMap((chain) => chain.rules)) {
          assert.ok(origin.key in SENTENCES, comment);
          assert.ok(isOurComment(comment), comment);
          assert.ok(comment.length <= 128, comment);
        }
        for (const { key, origin } of sets.flatMap((set) => set.elements)) {
          assert.ok(origin.key in SENTENCES, key);
          assert.ok(origin.networkId !== undefined, key);
        }
      }
    }
  });

  test('a chain holds no comment twice: rules could not be told apart', () => {
    for (const intent of [...Object.values(SCENARIOS), conformanceIntent(true), conformanceIntent(false)]) {
      for (const { name, rules } of compileNftables(intent).v4.chains) {
        assert.equal(new Set(rules.map(({ comment }) => comment)).size, rules.length, name);
      }
    }
  });

  test('the number of rules does not depend on the number of ports', () => {
    const rules = (table: NftTable) => table.chains.flatMap((chain) => chain.rules).length;
    const many = Array.from({ length: 300 }, (_, index) => `${8000 + index}:${100 + 2 * index}`);
    assert.equal(rules(withPorts(...many)), rules(withPorts()));
    assert.equal(elements(withPorts(...many), 'nat-ports').length, 300);
  });

  test('a range that keeps its numbers is one element; a shifted one is an element per port', () => {
    assert.deepEqual(elements(withPorts('8000-8010:8000-8010'), 'nat-port-ranges'), [
      'tcp . 8000-8010 : 172.17.0.2',
    ]);
    assert.deepEqual(elements(withPorts('8000-8001:9000-9001'), 'nat-ports'), [
      'tcp . 8000 : 172.17.0.2 . 9000',
      'tcp . 8001 : 172.17.0.2 . 9001',
    ]);
    assert.deepEqual(elements(withPorts('8000-8001:9000-9001'), 'filter-port-ranges'), [
      '172.17.0.2 . tcp . 9000-9001',
    ]);
  });

  test('where two mappings want one port of the host, the first has it', () => {
    const ports = [
      published('172.17.0.2', '8005:80'),
      published('172.17.0.3', '8000-8010:8000-8010'),
      published('172.17.0.4', '8010:80'),
      published('172.17.0.4', '8011:80'),
    ];
    const { v4 } = compileNftables(intentOf([docker0({ ports })]));
    assert.deepEqual(elements(v4, 'nat-ports'), [
      'tcp . 8005 : 172.17.0.2 . 80',
      'tcp . 8011 : 172.17.0.4 . 80',
    ]);
    assert.deepEqual(elements(v4, 'nat-port-ranges'), [
      'tcp . 8000-8004 : 172.17.0.3',
      'tcp . 8006-8010 : 172.17.0.3',
    ]);
  });

  test('a port bound to one address is asked before one bound to all', () => {
    const { v4 } = compileNftables(intentOf([docker0()]));
    const lookups = v4.chains.find(({ name }) => name === 'nat-prerouting-and-output')?.rules ?? [];
    assert.deepEqual(
      lookups.map(({ text }) => /@(.*)/.exec(text)?.[1]),
      ['nat-ports-at', 'nat-port-ranges-at', 'nat-ports', 'nat-port-ranges'],
    );
  });

  test('two host ports that lead to one container port let it in once', () => {
    assert.deepEqual(elements(withPorts('8080:80', '8081:80'), 'filter-ports'), ['172.17.0.2 . tcp . 80']);
  });

  test('links that name a port twice open it once', () => {
    const links = [
      link('172.17.0.3', '172.17.0.2', '80/tcp', '81/tcp'),
      link('172.17.0.3', '172.17.0.2', '80/tcp'),
    ];
    const { v4, v6 } = compileNftables(
      intentOf([docker0({ icc: false, links, v6: { subnets: ['fd00::/64'], mode: 'nat' } })]),
    );
    assert.deepEqual(elements(v4, 'filter-links'), ['172.17.0.3 . 172.17.0.2 . tcp . 80-81']);
    assert.deepEqual(elements(v4, 'filter-link-answers'), ['172.17.0.2 . 172.17.0.3 . tcp . 80-81']);
    assert.equal(
      v6.sets.some(({ name }) => name === 'filter-links'),
      false,
    );
  });

  test('a family that is not ours to write has no table', () => {
    const { v4, v6 } = compileNftables(intentOf([docker0()], { enabled: { v4: false, v6: true } }));
    assert.equal(v4.chains.length, 0);
    assert.notEqual(v6.chains.length, 0);
  });

  test('refuses what cannot be written into a rule', () => {
    for (const bridge of ['br *', 'br"', 'eth*', '..', '', 'a-name-of-16-byt', 'br\\']) {
      assert.throws(
        () => compileNftables(intentOf([network(bridge, '172.17.0.0/16')])),
        { kind: 'invalid' },
        bridge,
      );
    }
    assert.throws(() => compileNftables(intentOf([network('docker0', 'fd00::/64')])), { kind: 'invalid' });
    assert.throws(() => compileNftables(intentOf([docker0({ trustedHostInterfaces: ['eth0 accept'] })])), {
      kind: 'invalid',
    });
    assert.throws(
      () =>
        compileNftables(
          intentOf([docker0({ ports: [{ ...published('172.17.0.2', '80:80'), containerIp: 'web' }] })]),
        ),
      { kind: 'invalid' },
    );
  });
});

test('`NftCompiler` compiles one intent after the other as if each were the first, and the plan between them is the same', () => {
  const random = seededRandom(16);
  const compiler = new NftCompiler();
  const whole = ({ v4, v6 }: NftRuleset): NftRuleset => {
    const [four, six] = [v4, v6].map(({ family, chains, sets }) => ({ family, chains, sets }));
    return { v4: four ?? v4, v6: six ?? v6 };
  };
  let networks: NetworkIntent[] = [network('docker0', '172.17.0.0/16')];
  let previous = compiler.compile(intentOf(networks));
  for (let round = 0; round < 150; round++) {
    const at = 1 + random(networks.length);
    const subnet = `10.${round >> 8}.${round & 255}.0/24`;
    const ports = random(10) < 4 ? [published(subnet.replace('0/24', '2'), `${8000 + round}:80`)] : [];
    const next = network(`br-${round}`, subnet, { ports, internal: random(10) < 2, icc: random(10) < 8 });
    networks = random(10) < 6 ? networks.toSpliced(at, 0, next) : networks.toSpliced(at, 1);
    const kept = compiler.compile(intentOf(networks));
    const fresh = compileNftables(intentOf(networks));
    assert.equal(formatNft(kept), formatNft(fresh));
    assert.equal(planNft(previous, kept), planNft(whole(previous), whole(fresh)));
    previous = kept;
  }
});
