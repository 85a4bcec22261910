/**
 * Compiled rules, applied to a real kernel and read back. `UPDATE_GOLDEN=1` writes the golden files anew: they hold what
 * `iptables-save` said, not what we wrote.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { compileIptables } from './compile.ts';
import { TestNamespace } from './namespace.testing.ts';
import { planTransaction } from './plan.ts';
import { emptyRuleSet, type RuleSet } from './rules.ts';
import { compiled, intentOf, network, published, SCENARIOS } from './scenarios.testing.ts';

const golden = (name: string) => new URL(`./golden/${name}.rules`, import.meta.url);
const bridge = (options: Parameters<typeof network>[2] = {}) => network('docker0', '172.17.0.0/16', options);
const WEB = compileIptables(intentOf([bridge({ ports: [published('172.17.0.2', '8080:80')] })])).v4;

describe('iptables-restore and iptables-save', () => {
  for (const [name, intent] of Object.entries(SCENARIOS)) {
    test(`${name}: is read back as the golden file, is stable, and goes away`, () => {
      using host = new TestNamespace('golden');
      for (const [family, set] of compiled(intent)) {
        const nothing = emptyRuleSet(set.family);
        host.apply(nothing, set);
        const saved = host.save(set.family);
        const file = golden(`${name}.${family}`);
        if (process.env.UPDATE_GOLDEN === '1' || !existsSync(file)) writeFileSync(file, saved);
        assert.equal(saved, readFileSync(file, 'utf8'));
        assert.equal(host.apply(set, set), '', 'a second time there is nothing to do');
        assert.equal(host.apply(nothing, set), '', 'nor after the record was lost');
        host.apply(set, nothing);
        assertOnlyUserChainLeft(host, set);
      }
    });
  }

  test('goes from each scenario to each other as if the other had been first', () => {
    using host = new TestNamespace('change');
    let previous = emptyRuleSet(4);
    const order = [...Object.keys(SCENARIOS), ...Object.keys(SCENARIOS).reverse()];
    for (const name of order) {
      const next = compileIptables(SCENARIOS[name] ?? intentOf([])).v4;
      host.apply(previous, next);
      const expected = rulesOf(readFileSync(golden(`${name}.v4`), 'utf8'));
      assert.deepEqual(rulesOf(host.save(4)), expected, name);
      previous = next;
    }
  });

  test('the optimistic plan, from the record alone, comes to the same', () => {
    using host = new TestNamespace('record');
    let previous = emptyRuleSet(4);
    for (const name of ['default-bridge', 'several-networks', 'port-ranges', 'default-bridge']) {
      const next = compileIptables(SCENARIOS[name] ?? intentOf([])).v4;
      host.restore(4, planTransaction(previous, next));
      assert.deepEqual(rulesOf(host.save(4)), rulesOf(readFileSync(golden(`${name}.v4`), 'utf8')), name);
      previous = next;
    }
  });

  test("leaves a user's rules where they are, whatever they look like", () => {
    using host = new TestNamespace('user');
    const mine = [
      [
        'iptables',
        '-A',
        'FORWARD',
        '-i',
        'tun0',
        '-m',
        'comment',
        '--comment',
        'my "own" rule',
        '-j',
        'ACCEPT',
      ],
      ['iptables', '-N', 'DOCKER-USER'],
      ['iptables', '-A', 'DOCKER-USER', '-s', '192.0.2.0/24', '-j', 'DROP'],
      ['iptables', '-t', 'nat', '-A', 'POSTROUTING', '-s', '10.0.0.0/8', '-j', 'MASQUERADE'],
      ['iptables', '-A', 'INPUT', '-p', 'tcp', '-m', 'multiport', '--dports', '22,443', '-j', 'ACCEPT'],
    ];
    for (const command of mine) host.run(...command);
    const before = rulesOf(host.save(4));
    host.apply(emptyRuleSet(4), WEB);
    host.run('iptables', '-I', 'DOCKER', '1', '-s', '192.0.2.7/32', '-j', 'DROP');
    host.run(
      'iptables',
      '-A',
      'DOCKER',
      '-p',
      'tcp',
      '--dport',
      '80',
      '-s',
      '172.17.0.3',
      '-d',
      '172.17.0.2',
      '-j',
      'ACCEPT',
    );
    assert.equal(host.apply(WEB, WEB), '');
    host.apply(WEB, emptyRuleSet(4));
    assert.deepEqual(
      rulesOf(host.save(4)).filter(
        (line) => line !== '-A FORWARD -j DOCKER-USER' && !line.startsWith('-A DOCKER '),
      ),
      before,
    );
    assert.deepEqual(
      rulesOf(host.save(4)).filter((line) => line.startsWith('-A DOCKER ')),
      [
        '-A DOCKER -s 192.0.2.7/32 -j DROP',
        '-A DOCKER -s 172.17.0.3/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j ACCEPT',
      ],
    );
  });

  test('`iptables -D DOCKER 1` takes a rule away and upsets nothing (row 18)', () => {
    using host = new TestNamespace('delete');
    host.apply(emptyRuleSet(4), WEB);
    const whole = host.save(4);
    host.run('iptables', '-D', 'DOCKER', '1');
    assert.equal(host.apply(WEB, WEB), '');
    host.apply(WEB, WEB, 'restore');
    assert.equal(host.save(4), whole);
    host.run('iptables', '-D', 'DOCKER', '1');
    host.apply(WEB, emptyRuleSet(4));
    assertOnlyUserChainLeft(host, WEB);
  });

  test('rules come back after `iptables -F` of a table', () => {
    using host = new TestNamespace('flush');
    host.apply(emptyRuleSet(4), WEB);
    const whole = rulesOf(host.save(4));
    host.run('iptables', '-F');
    host.run('iptables', '-t', 'nat', '-F');
    host.apply(WEB, WEB);
    assert.deepEqual(
      rulesOf(host.save(4)),
      whole.filter((line) => line !== '-A DOCKER-USER -j RETURN'),
    );
    host.run('nft', 'flush', 'ruleset');
    host.apply(WEB, WEB);
    assert.deepEqual(rulesOf(host.save(4)), whole);
  });

  test('a transaction that fails changes nothing in its table', () => {
    using host = new TestNamespace('atomic');
    host.apply(emptyRuleSet(4), WEB);
    const whole = host.save(4);
    host.run('iptables', '-A', 'DOCKER', '-s', '192.0.2.7/32', '-j', 'DROP');
    // The record knows nothing of that rule, so it tries to remove a chain that is not empty.
    assert.throws(() => host.restore(4, planTransaction(WEB, emptyRuleSet(4))));
    host.run('iptables', '-D', 'DOCKER', '-s', '192.0.2.7/32', '-j', 'DROP');
    assert.deepEqual(rulesOf(host.save(4), 'filter'), rulesOf(whole, 'filter'));
    host.apply(WEB, WEB, 'restore');
    assert.equal(host.save(4), whole);
  });
});

function assertOnlyUserChainLeft(host: TestNamespace, set: RuleSet): void {
  assert.deepEqual(rulesOf(host.save(set.family)), ['-A FORWARD -j DOCKER-USER', '-A DOCKER-USER -j RETURN']);
  assert.doesNotMatch(host.save(set.family), /^:DOCKER(?!-USER)/m);
}

/** The rules of all tables (or of one), without chains and policies. */
function rulesOf(saved: string, table?: string): string[] {
  const part =
    table === undefined
      ? saved
      : (saved.split(/^(?=\*)/m).find((text) => text.startsWith(`*${table}`)) ?? '');
  return part.split('\n').filter((line) => line.startsWith('-A'));
}
