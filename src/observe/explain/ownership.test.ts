import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  compileNftables,
  formatNft,
  type ObservedNft,
  type ObservedNftTable,
} from '../../network/firewall/index.ts';
import { intentOf, network, published } from '../../network/firewall/iptables/scenarios.testing.ts';
import { readNftTable } from '../packet/nft/tables.ts';
import type { Rulebook } from '../packet/rulebook.ts';
import { iptables } from '../packet/testing/snapshots.ts';
import { missingRules, Ownership } from './ownership.ts';
import { CATALOGUES } from './text/index.ts';

const INTENT = intentOf([
  network('docker0', '172.17.0.0/16', { ports: [published('172.17.0.2', '8080:80')] }),
]);
const RULESET = compileNftables(INTENT);
const RECORDS = { networks: () => [], containers: () => [], intent: () => INTENT };

function ownership(engine: 'Bridgeport' | 'Docker' = 'Bridgeport') {
  const settings = { engine, firewall: 'nftables', userlandProxy: true } as const;
  return new Ownership(RECORDS, settings, CATALOGUES.en.words);
}

/** The table as the kernel would tell it, `without` the rules and elements that contain a text. */
function book(without?: string): Rulebook {
  const keep = (text: string) => without === undefined || !text.includes(without);
  const objects = RULESET.v4.chains.flatMap(({ name, hook, rules }) => [
    { chain: { name, ...(hook === undefined ? {} : { ...hook, prio: hook.priority }) } },
    ...rules
      .filter(({ text }) => keep(text))
      .map(({ comment }, index) => ({ rule: { chain: name, handle: index + 1, comment, expr: [] } })),
  ]);
  const observed: ObservedNftTable = {
    chains: new Map(
      RULESET.v4.chains.map(({ name, hook, rules }) => [
        name,
        {
          ...(hook === undefined ? {} : { hook }),
          rules: rules.map(({ comment }) => ({ comment, ours: true, targets: [] })),
        },
      ]),
    ),
    sets: new Map(
      RULESET.v4.sets.map(({ name, keyType, dataType, interval, elements }) => [
        name,
        {
          keyType,
          interval,
          ...(dataType === undefined ? {} : { dataType }),
          elements: new Map(
            elements
              .filter(({ key, data }) => keep(`${key} : ${data ?? ''}`))
              .map(({ key, data }) => [key, data]),
          ),
        },
      ]),
    ),
  };
  const engine: ObservedNft = { v4: observed, v6: undefined };
  return { tables: [readNftTable('ip', 'docker-bridges', objects, new Map())], engine, unread: [] };
}

const missing = (rules: Rulebook, of = ownership()) =>
  missingRules(of, rules)
    .filter(({ family }) => family === 'ip')
    .map(({ text }) => text);

describe('`missingRules()` with nftables', () => {
  it('misses nothing where everything is there', () => {
    assert.ok(formatNft(RULESET).includes('nat-ports'), 'there is something to miss');
    assert.deepEqual(missing(book()), []);
  });

  it('misses a rule, and an element of a set', () => {
    assert.deepEqual(missing(book('masquerade')), ['oifname != "docker0" ip saddr 172.17.0.0/16 masquerade']);
    assert.deepEqual(missing(book('tcp . 8080')), ['nat-ports { tcp . 8080 }']);
  });

  it('does not claim to know what a Docker Engine wants', () => {
    assert.deepEqual(missing(book('masquerade'), ownership('Docker')), []);
  });

  it('knows the rules that are there by their comments', () => {
    const { tables } = book();
    const [rule] = tables[0]?.chains.get('filter-FORWARD')?.rules ?? [];
    assert.ok(rule !== undefined);
    assert.equal(ownership().originOf(rule)?.key, 'user-jump');
    assert.equal(ownership().ownerOf({ ...rule, comment: 'mine' }).kind, 'user');
    assert.equal(
      ownership('Docker').ownerOf({ ...rule, comment: 'mine' }).kind,
      'engine',
      'whose table it is',
    );
  });
});

describe('`ownerOfChain()`', () => {
  it('FORWARD’s policy is the engine’s in the table of its own rules, and of nobody else’s', () => {
    const dropping = { ...INTENT, forwardDrop: { v4: true, v6: true } };
    const records = { ...RECORDS, intent: () => dropping };
    const ownerOf = (rules: Rulebook, chain: string, firewall: 'iptables' | 'nftables') => {
      const settings = { engine: 'Bridgeport', firewall, userlandProxy: true } as const;
      const found = rules.tables.flatMap(({ chains }) => chains.get(chain) ?? [])[0];
      assert.ok(found !== undefined);
      return new Ownership(records, settings, CATALOGUES.en.words).ownerOfChain(found).text;
    };
    const ufw = iptables(
      '*filter\n:FORWARD DROP [0:0]\n:ufw-before-forward - [0:0]\n-A FORWARD -j ufw-before-forward\nCOMMIT\n',
    );
    assert.equal(ownerOf(ufw, 'FORWARD', 'nftables'), 'ufw');
    assert.equal(ownerOf(ufw, 'FORWARD', 'iptables'), 'Bridgeport');
  });
});
