/**
 * Compiled rulesets, applied to a real kernel and read back. `UPDATE_GOLDEN=1` writes the golden files anew: they hold what
 * nft said, not what we wrote.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { warmThreadPool } from '../../../kernel/netns/index.ts';
import { NftContext } from '../../../kernel/nft/index.ts';
import { type TestNetworks, testNetworks } from '../../../kernel/testing/netns.ts';
import type { FirewallIntent } from '../intent.ts';
import { intentOf, link, network, published, SCENARIOS } from '../iptables/scenarios.testing.ts';
import { compileNftables } from './compile.ts';
import { formatNft } from './format.ts';
import { missingNft } from './missing.ts';
import { observeNft } from './observed.ts';
import { planNft } from './plan.ts';
import { emptyNftRuleset, type NftRuleset, tableName } from './ruleset.ts';

const golden = (name: string) => new URL(`./golden/${name}.nft`, import.meta.url);
const NOTHING = emptyNftRuleset();

/** A namespace's nftables, with the plan's result applied. */
class Tables implements Disposable {
  readonly nft: NftContext;

  constructor(networks: TestNetworks, name: string) {
    this.nft = NftContext.open(networks.create(name));
  }

  observe() {
    return observeNft((command) => this.nft.list(command, { output: ['stateless'] }));
  }

  /** Both tables as the kernel has them. */
  list(): string {
    const { v4, v6 } = this.observe();
    const show = (family: 4 | 6) =>
      this.nft.run(`list table ${tableName(family)}`, { output: ['stateless'] });
    return (v4 === undefined ? '' : show(4)) + (v6 === undefined ? '' : show(6));
  }

  /** From `previous` to `next` with the kernel read first; the text that it took. */
  apply(previous: NftRuleset, next: NftRuleset): string {
    const text = planNft(previous, next, { observed: this.observe() });
    if (text !== '') this.nft.run(text);
    return text;
  }

  /** From `previous` to `next`, believing the record. */
  applyBelieved(previous: NftRuleset, next: NftRuleset): string {
    const text = planNft(previous, next);
    if (text !== '') this.nft.run(text);
    return text;
  }

  [Symbol.dispose](): void {
    this.nft.close();
  }
}

describe('nftables rulesets in the kernel', () => {
  let networks: TestNetworks;
  let made = 0;
  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
  });
  after(() => networks?.[Symbol.dispose]());
  const tables = () => new Tables(networks, `t${made++}`);

  for (const [name, intent] of Object.entries(SCENARIOS)) {
    test(`${name}: is read back as the golden file, is stable, and goes away`, () => {
      using host = tables();
      const set = compileNftables(intent);
      host.apply(NOTHING, set);
      const listed = host.list();
      const file = golden(name);
      if (process.env.UPDATE_GOLDEN === '1' || !existsSync(file)) writeFileSync(file, listed);
      assert.equal(listed, readFileSync(file, 'utf8'));
      assert.equal(normal(formatNft(set)), normal(listed), 'what we say is what the kernel says');
      assert.equal(host.apply(set, set), '', 'a second time there is nothing to do');
      assert.equal(host.apply(NOTHING, set), '', 'nor after the record was lost');
      assert.equal(planNft(set, set), '');
      assert.deepEqual(missingNft(set, host.observe()), []);
      host.apply(NOTHING, NOTHING);
      assert.equal(host.list(), '');
    });
  }
});

/** As nft prints it: names for priorities, and the elements of a set in one order. */
function normal(text: string): string {
  return text
    .replaceAll(/elements = \{([^}]*)\}/g, (_, elements: string) =>
      elements
        .split(',')
        .map((element) => element.trim())
        .toSorted()
        .join(', '),
    )
    .replaceAll(/priority (?:raw|-300);/g, 'priority raw;')
    .replaceAll(/priority (?:dstnat|-100);/g, 'priority dstnat;')
    .replaceAll(/priority (?:filter|0);/g, 'priority filter;')
    .replaceAll(/priority (?:srcnat|100);/g, 'priority srcnat;')
    .replaceAll('meta l4proto icmpv6', 'meta l4proto ipv6-icmp');
}
