/** What this encoder makes of a text is what libnftables makes of it, byte for byte, as the kernel gives it back. Needs root. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listAttributes, readAttributes } from '../netlink/attributes.ts';
import { NETLINK_NETFILTER } from '../netlink/constants.ts';
import { netlinkRequest } from '../netlink/message.ts';
import { NFNL_SUBSYS_NFTABLES, nfgenmsg, nfnlType } from '../netlink/netfilter.ts';
import { NetlinkSocket } from '../netlink/socket.ts';
import { warmThreadPool } from '../netns/index.ts';
import { type TestNetworks, testNetworks } from '../testing/netns.ts';
import { encodeNft } from './encode/commands.ts';
import { NFTA_RULE } from './encode/constants.ts';
import type { NftSetTypes } from './encode/rule.ts';
import { NftContext } from './index.ts';

/** enum nf_tables_msg_types */
const NFT_MSG_GETRULE = 7;

const types = (family: 4 | 6): ReadonlyMap<string, NftSetTypes> =>
  new Map<string, NftSetTypes>([
    ['bridges', { keyType: 'ifname', interval: false }],
    ['jumps', { keyType: 'ifname', dataType: 'verdict', interval: false }],
    ['ports', { keyType: `ipv${family}_addr . inet_proto . inet_service`, interval: false }],
    ['ranges', { keyType: `ipv${family}_addr . inet_proto . inet_service`, interval: true }],
    [
      'links',
      { keyType: `ipv${family}_addr . ipv${family}_addr . inet_proto . inet_service`, interval: true },
    ],
    ['hairpin', { keyType: `ipv${family}_addr . ipv${family}_addr`, interval: false }],
    [
      'translate',
      { keyType: 'inet_proto . inet_service', dataType: `ipv${family}_addr . inet_service`, interval: false },
    ],
    [
      'translate-ranges',
      { keyType: 'inet_proto . inet_service', dataType: `ipv${family}_addr`, interval: true },
    ],
  ]);
const SETS = new Map([
  ['ip t', types(4)],
  ['ip6 t', types(6)],
]);

const FILTER = {
  ip: [
    'oifname != @bridges accept',
    'iifname "br-0123456789ab" counter drop',
    'oifname != "docker0" counter drop comment "internal-out 0123456789ab #0011aabb"',
    'ct state established,related accept comment "established 0123456789ab #8ec0115e"',
    'iifname @bridges ct status ! dnat counter drop',
    'iifname "docker0" ct status dnat accept',
    'iifname != "eth1" ip daddr 172.17.0.0/16 ct status ! dnat counter drop',
    'ip saddr 10.1.2.0/24 drop',
    'ip saddr 10.1.16.0/20 return',
    'ip daddr 10.1.2.3/32 accept',
    'ip protocol icmp accept',
    'ip daddr . meta l4proto . th dport @ports accept',
    'ip daddr . meta l4proto . th dport @ranges accept',
    'iifname "docker0" ip saddr . ip daddr . meta l4proto . th sport @links accept',
    'jump other',
  ],
  ip6: [
    'ip6 daddr fd00:1::/64 ct status ! dnat counter drop',
    'ip6 saddr fd00:1::/61 drop',
    'ip6 daddr fd00:1::5/128 accept',
    'meta l4proto ipv6-icmp accept',
    'ip6 daddr . meta l4proto . th dport @ports accept',
    'ip6 daddr . meta l4proto . th dport @ranges accept',
  ],
} as const;
const NAT = {
  ip: [
    'oifname != "docker0" ip saddr 172.17.0.0/16 masquerade comment "masquerade 0123456789ab #4632cb91"',
    'oifname != "docker0" ip saddr 172.17.0.0/16 snat to 192.0.2.9',
    'fib saddr type local masquerade',
    'ct status dnat ip saddr . ip daddr @hairpin masquerade',
    'ip saddr 127.0.0.0/8 masquerade',
  ],
  ip6: ['fib saddr type local snat to fd00::9', 'ct status dnat ip6 saddr . ip6 daddr @hairpin masquerade'],
} as const;
const ELEMENTS = {
  ip: {
    bridges: '{ "docker0", "br-0123456789ab" }',
    jumps: '{ "docker0" : jump filter, "br-0123456789ab" : jump other }',
    ports: '{ 172.17.0.2 . tcp . 80, 172.17.0.2 . udp . 53, 172.17.0.3 . sctp . 65535 }',
    ranges: '{ 172.17.0.2 . tcp . 8000-8010, 172.17.0.3 . udp . 1-65535, 172.17.0.4 . tcp . 80 }',
    links: '{ 172.17.0.2 . 172.17.0.3 . tcp . 80, 172.17.0.3 . 172.17.0.2 . tcp . 90-99 }',
    hairpin: '{ 172.17.0.2 . 172.17.0.2 }',
    translate: '{ tcp . 8080 : 172.17.0.2 . 80, udp . 5353 : 172.17.0.2 . 53 }',
    'translate-ranges': '{ tcp . 9000-9010 : 172.17.0.2 }',
  },
  ip6: {
    bridges: '{ "docker0" }',
    ports: '{ fd00:1::2 . tcp . 80 }',
    ranges: '{ fd00:1::2 . tcp . 8000-8010 }',
    translate: '{ tcp . 8080 : fd00:1::2 . 80 }',
    'translate-ranges': '{ tcp . 9000-9010 : fd00:1::2 }',
  },
} as const;
const GONE = {
  ip: {
    bridges: '{ "docker0" }',
    ports: '{ 172.17.0.2 . tcp . 80 }',
    ranges: '{ 172.17.0.2 . tcp . 8000-8010 }',
  },
  ip6: { translate: '{ tcp . 8080 }', 'translate-ranges': '{ tcp . 9000-9010 }' },
} as const;

describe('NftContext.change', () => {
  let networks: TestNetworks;
  let made = 0;
  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
  });
  after(() => networks?.[Symbol.dispose]());

  /** A namespace with the sets of both tables and the chains that rules go to. */
  function stage() {
    const netns = networks.create(`ne${made++}`);
    const nft = NftContext.open(netns);
    const lines = (['ip', 'ip6'] as const).flatMap((family) => [
      `create table ${family} t`,
      `create chain ${family} t other`,
      `create chain ${family} t source { type nat hook postrouting priority 100; }`,
      ...[...(SETS.get(`${family} t`) ?? [])].map(([name, { keyType, dataType, interval }]) =>
        dataType === undefined
          ? `create set ${family} t ${name} { type ${keyType};${interval ? ' flags interval;' : ''} }`
          : `create map ${family} t ${name} { type ${keyType} : ${dataType};${interval ? ' flags interval;' : ''} }`,
      ),
    ]);
    nft.run(lines.join('\n'));
    return { netns, nft };
  }

  const commands = (['ip', 'ip6'] as const).flatMap((family) => [
    `create chain ${family} t filter`,
    ...FILTER[family].map((rule) => `add rule ${family} t filter ${rule}`),
    ...NAT[family].map((rule) => `add rule ${family} t source ${rule}`),
    ...Object.entries(ELEMENTS[family]).map(([set, list]) => `add element ${family} t ${set} ${list}`),
  ]);
  const removals = (['ip', 'ip6'] as const).flatMap((family) =>
    Object.entries(GONE[family]).map(([set, list]) => `delete element ${family} t ${set} ${list}`),
  );

  test('makes of rules and elements what libnftables makes of them', () => {
    const [theirs, ours] = [stage(), stage()];
    for (const text of [commands.join('\n'), removals.join('\n')]) {
      assert.ok(encodeNft(text, SETS), 'all of it is known here');
      theirs.nft.run(text);
      ours.nft.change(text, SETS);
      assert.equal(ours.nft.run('list ruleset'), theirs.nft.run('list ruleset'));
      assert.deepEqual(rules(ours.netns), rules(theirs.netns));
    }
  });

  test('takes away what it made', () => {
    const { nft } = stage();
    const before = nft.run('list ruleset');
    nft.change(
      'create chain ip t own\nadd rule ip t own accept\nadd element ip t jumps { "a" : jump own }',
      SETS,
    );
    nft.change('delete element ip t jumps { "a" }\nflush chain ip t own\ndelete chain ip t own', SETS);
    assert.equal(nft.run('list ruleset'), before);
  });

  test('changes nothing when one command is refused, and names it', () => {
    const { nft } = stage();
    const before = nft.run('list ruleset');
    assert.throws(
      () => nft.change('create chain ip t own\ncreate chain ip t other\nadd rule ip t own accept', SETS),
      /create chain ip t other: file exists/,
    );
    assert.throws(
      () => nft.change('create chain ip t own\ndelete element ip t bridges { "a" }', SETS),
      /delete element ip t bridges \{ "a" \}: no such file or directory/,
    );
    // Only when all commands have been read does the kernel see that the way goes round and round.
    assert.throws(
      () => nft.change('create chain ip t a\nadd rule ip t a jump a\nadd rule ip t source jump a', SETS),
      /nft add rule ip t .* jump a: too many links/,
    );
    assert.equal(nft.run('list ruleset'), before);
    nft.change('create chain ip t own', SETS);
  });

  test('leaves to libnftables what it does not know', () => {
    const { nft } = stage();
    for (const text of [
      'add rule ip t other tcp dport 80 accept',
      'add rule ip t other iifname { "a", "b" } accept',
      'add rule ip6 t other icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept',
      'add rule ip t other iifname vmap @jumps',
      'create chain ip t base { type filter hook forward priority 0; policy drop; }',
      'add element ip t translate { 47 . 1 : 10.0.0.1 . 2 }',
    ]) {
      assert.equal(encodeNft(text, SETS), undefined, text);
      nft.change(text, SETS);
    }
    assert.match(nft.run('list ruleset'), /policy drop/);
  });

  test('more elements than one message holds', () => {
    const { nft } = stage();
    const keys = Array.from({ length: 700 }, (_, index) => `tcp . ${index + 1} : 10.0.0.1 . ${index + 1}`);
    nft.change(`add element ip t translate { ${keys.join(', ')} }`, SETS);
    const [map] = nft.list('list map ip t translate').flatMap((entry) => ('map' in entry ? [entry.map] : []));
    assert.equal((map as { elem: unknown[] }).elem.length, 700);
  });
});

/** The instructions and comments of all rules, by chain, as the kernel gives them. */
function rules(netns: Parameters<typeof NftContext.open>[0]): string[] {
  using socket = NetlinkSocket.open(NETLINK_NETFILTER, { netns });
  const type = nfnlType(NFNL_SUBSYS_NFTABLES, NFT_MSG_GETRULE);
  return socket.dump(netlinkRequest('list rules', type, 0, nfgenmsg(0))).map(({ body }) => {
    const rule = readAttributes(body, 4);
    const expressions = listAttributes(rule.bytes(NFTA_RULE.EXPRESSIONS) ?? Buffer.alloc(0));
    return [
      body[0],
      rule.string(NFTA_RULE.CHAIN),
      rule.bytes(NFTA_RULE.USERDATA)?.toString('latin1'),
      ...expressions.map(([, bytes]) => bytes.toString('hex')),
    ].join(' ');
  });
}
