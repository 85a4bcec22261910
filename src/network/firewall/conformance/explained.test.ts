import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compileIptables } from '../iptables/compile.ts';
import { SCENARIOS } from '../iptables/scenarios.testing.ts';
import { compileNftables } from '../nftables/compile.ts';
import { explainListing, explainSaved } from './explained.ts';

const golden = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const INTENT = SCENARIOS['published-ports'] as NonNullable<(typeof SCENARIOS)[string]>;
const SAVED = golden('iptables/golden/published-ports.v4.rules');
const LISTED = golden('nftables/golden/published-ports.nft').split(/^(?=table )/m)[0] ?? '';

test('every rule of iptables-save has its origin, chain by chain, with the policy', () => {
  const groups = explainSaved(SAVED, compileIptables(INTENT).v4);
  assert.ok(groups.some(({ title }) => title === 'filter FORWARD, policy DROP'));
  const lines = groups.flatMap((group) => group.lines);
  assert.equal(lines.length, SAVED.match(/^-A /gm)?.length);
  const translate = lines.find(({ text }) => text.includes('--dport 8080'));
  assert.equal(translate?.origin.key, 'port-translate');
});

test('every rule and element of a listing has its origin, and rules stand without their comments', () => {
  const groups = explainListing(LISTED, compileNftables(INTENT).v4);
  const lines = groups.flatMap((group) => group.lines);
  assert.ok(lines.every(({ text }) => !text.includes('comment')));
  assert.equal(lines.find(({ text }) => text.startsWith('tcp . 8080'))?.origin.port?.hostPort, 8080);
  assert.equal(lines.find(({ text }) => text === 'jump DOCKER-USER')?.origin.key, 'user-jump');
  assert.ok(groups.some(({ title }) => /^chain filter-FORWARD, hook forward .* policy drop$/.test(title)));
});

test('a rule or an element that nobody asked for is an error that quotes it', () => {
  const { v4 } = compileIptables(INTENT);
  const saved = SAVED.replace('-A FORWARD -j DOCKER-USER', '-A FORWARD -s 192.0.2.7/32 -j ACCEPT');
  assert.throws(() => explainSaved(saved, v4), /nothing says why there is .*192\.0\.2\.7/);
  const { v4: table } = compileNftables(INTENT);
  assert.throws(
    () => explainListing(LISTED.replace('tcp . 8080', 'tcp . 9999'), table),
    /nat-ports: tcp \. 9999/,
  );
  const changed = LISTED.replace(/user-jump #\w+/, 'user-jump #00000000');
  assert.throws(() => explainListing(changed, table), /filter-FORWARD: jump DOCKER-USER/);
});
