/**
 * docs/rules: every page holds the rules that the kernel has in its scenario, and the packets that go through them do what the
 * page says. `UPDATE_RULES=1` writes the pages anew.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type FirewallBackend, IptablesBackend, NftablesBackend } from './backend.testing.ts';
import { type PageBackend, renderIndex, renderPage } from './page.ts';
import { pageCells, pageIntent, RULES_PAGES, type RulesPage } from './pages.ts';
import { ConformanceWorld } from './stations.testing.ts';

const FOLDER = new URL('../../../../docs/rules/', import.meta.url);
const UPDATE = process.env.UPDATE_RULES === '1';

function compare(file: string, text: string): void {
  const url = new URL(file, FOLDER);
  if (UPDATE) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(url, text);
  }
  assert.equal(
    text,
    existsSync(url) ? readFileSync(url, 'utf8') : '',
    `docs/rules/${file}: see UPDATE_RULES`,
  );
}

describe('docs/rules', { concurrency: false }, () => {
  let world: ConformanceWorld;
  let iptables: IptablesBackend;
  let nftables: NftablesBackend;
  before(async () => {
    world = await ConformanceWorld.open();
    const { netns } = world.world.host;
    iptables = world.world.use(new IptablesBackend(netns));
    nftables = world.world.use(new NftablesBackend(netns));
  });
  after(() => world?.[Symbol.dispose]());

  for (const page of RULES_PAGES) {
    test(`${page.file}: the live rules are those of the page, and packets do what it says`, async () => {
      world.setRouteLocalnet(true);
      const read: PageBackend[] = [];
      for (const backend of [iptables, nftables]) {
        backend.apply(pageIntent(page));
        read.push(readBack(backend, page));
        world.world.forgetConnections();
        assert.deepEqual(
          await world.disagreements(pageCells(page), page.userlandProxy ?? true),
          [],
          backend.name,
        );
        backend.clear();
      }
      compare(`${page.file}.md`, renderPage(page, read));
    });
  }

  test('the first page leads to the others, and there is no page of a scenario that is gone', () => {
    compare('README.md', renderIndex(RULES_PAGES));
    assert.deepEqual(
      readdirSync(FOLDER).sort(),
      ['README.md', ...RULES_PAGES.map(({ file }) => `${file}.md`)].sort(),
    );
  });
});

function readBack(backend: FirewallBackend, { families }: RulesPage): PageBackend {
  return {
    name: backend.name,
    command: backend.name === 'iptables' ? 'iptables-save' : 'nft list table ip docker-bridges',
    parts: families.map((family) => ({
      title: family === 'v4' ? 'IPv4' : 'IPv6',
      groups: backend.explain(family),
    })),
  };
}
