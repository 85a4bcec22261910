import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ip } from '../../../base/ip.ts';
import { type HookContext, runHook } from '../evaluate.ts';
import { newConnection, type Packet } from '../packet.ts';
import { readNftTable, readRuleTexts } from './tables.ts';

const CONTEXT: HookContext = {
  addressType: (address) => (address === Ip.parse('10.9.0.1').value ? 'local' : 'unicast'),
  reversePath: ({ input }) => input === 'eth0',
  sourceFor: () => Ip.parse('10.9.0.1'),
  redirectTo: () => Ip.parse('10.9.0.1'),
};

function packet(fields: Partial<Packet> = {}): Packet {
  const made: Packet = {
    family: 4,
    protocol: 'tcp',
    direction: 'original',
    source: { ip: Ip.parse('10.9.0.2'), port: 40000 },
    destination: { ip: Ip.parse('10.0.0.1'), port: 80 },
    input: 'eth0',
    output: 'docker0',
    mark: 0,
    ...fields,
  };
  return { connection: newConnection({ ...made, direction: 'original' }), ...made };
}

/** Objects as nft 1.0.6 printed them, of a table `inet fw` with a chain at forward that drops what nobody accepts. */
const SETS = [
  {
    set: {
      name: 's',
      type: ['ipv4_addr', 'inet_proto', 'inet_service'],
      elem: [
        { concat: ['10.0.0.1', 'tcp', { range: [80, 90] }] },
        { concat: [{ prefix: { addr: '10.0.0.0', len: 24 } }, 'udp', 53] },
      ],
    },
  },
  { set: { name: 'x', type: 'ifname', elem: ['docker0'] } },
  {
    set: {
      name: 'a',
      type: 'ipv4_addr',
      elem: [{ prefix: { addr: '10.9.0.0', len: 24 } }, { range: ['192.168.0.1', '192.168.0.9'] }],
    },
  },
  {
    map: {
      name: 'm',
      type: 'inet_service',
      map: 'ipv4_addr . inet_service',
      elem: [[80, { concat: ['10.0.0.2', 8080] }]],
    },
  },
];

const match = (op: string, left: unknown, right: unknown) => ({ match: { op, left, right } });
const meta = (key: string) => ({ meta: { key } });
const payload = (protocol: string, field: string) => ({ payload: { protocol, field } });
const ct = (key: string, dir?: string) => ({ ct: { key, ...(dir === undefined ? {} : { dir }) } });
const ACCEPT = { accept: null };

function verdictOf(expr: unknown[], fields: Partial<Packet> = {}, hook = 'forward') {
  const chain = { chain: { name: 'c', type: 'filter', hook, prio: 0, policy: 'drop' } };
  const sub = [{ chain: { name: 'u' } }, { rule: { chain: 'u', handle: 9, expr: [ACCEPT] } }];
  const rule = { rule: { chain: 'c', handle: 1, expr } };
  const table = readNftTable('inet', 'fw', [...SETS, chain, rule, ...sub], new Map());
  const result = runHook({ tables: [table], unread: [] }, 'forward', packet(fields), CONTEXT);
  return result.doubts.length > 0 ? 'doubt' : result.outcome;
}

describe('rules of nftables', () => {
  const reply = { direction: 'reply' as const };
  const cases: ReadonlyArray<readonly [string, unknown[], string, Partial<Packet>?]> = [
    ['a rule without conditions', [ACCEPT], 'accept'],
    ['ct state new', [match('in', ct('state'), 'new'), ACCEPT], 'accept'],
    ['ct state established,related', [match('in', ct('state'), ['established', 'related']), ACCEPT], 'drop'],
    [
      'ct state established, of an answer',
      [match('in', ct('state'), ['established', 'related']), ACCEPT],
      'accept',
      reply,
    ],
    ['ct state != new', [match('!=', ct('state'), 'new'), ACCEPT], 'drop'],
    ['ct status ! dnat', [match('!', ct('status'), 'dnat'), ACCEPT], 'accept'],
    ['ct status dnat', [match('in', ct('status'), 'dnat'), ACCEPT], 'drop'],
    ['ct original proto-dst', [match('==', ct('proto-dst', 'original'), 80), ACCEPT], 'accept'],
    ['ct original ip daddr', [match('==', ct('ip daddr', 'original'), '10.0.0.1'), ACCEPT], 'accept'],
    ['ct direction', [match('==', ct('direction'), 'reply'), ACCEPT], 'drop'],
    ['iifname of a set, negated', [match('!=', meta('iifname'), '@x'), ACCEPT], 'accept'],
    ['saddr of an interval set', [match('==', payload('ip', 'saddr'), '@a'), ACCEPT], 'accept'],
    ['a set in the rule', [match('==', meta('iifname'), { set: ['eth0', 'eth1'] }), ACCEPT], 'accept'],
    [
      'ports in the rule',
      [match('==', payload('tcp', 'dport'), { set: [22, { range: [80, 90] }] }), ACCEPT],
      'accept',
    ],
    ['a range, negated', [match('!=', payload('tcp', 'dport'), { range: [1, 1024] }), ACCEPT], 'drop'],
    ['a comparison', [match('>=', payload('th', 'dport'), 80), ACCEPT], 'accept'],
    ['udp ports of a TCP packet, negated', [match('!=', payload('udp', 'dport'), 53), ACCEPT], 'drop'],
    ['IPv6 of an IPv4 packet, negated', [match('!=', payload('ip6', 'daddr'), 'fd00::1'), ACCEPT], 'drop'],
    [
      'a concatenation',
      [
        match('==', { concat: [payload('ip', 'daddr'), meta('l4proto'), payload('th', 'dport')] }, '@s'),
        ACCEPT,
      ],
      'accept',
    ],
    ['fib daddr type', [match('==', { fib: { result: 'type', flags: ['daddr'] } }, 'local'), ACCEPT], 'drop'],
    [
      'fib saddr . iif oif missing',
      [match('==', { fib: { result: 'oif', flags: ['saddr', 'iif'] } }, false), ACCEPT],
      'drop',
    ],
    ['a wildcard', [match('==', meta('oifname'), 'dock*'), ACCEPT], 'accept'],
    ['a masked mark', [match('==', { '&': [meta('mark'), 255] }, 16), ACCEPT], 'accept', { mark: 0x110 }],
    ['tcp flags', [match('==', { '&': [payload('tcp', 'flags'), ['syn', 'ack']] }, 'syn'), ACCEPT], 'accept'],
    ['a jump', [{ jump: { target: 'u' } }], 'accept'],
    [
      'a verdict map',
      [{ vmap: { key: meta('iifname'), data: { set: [['eth0', { jump: { target: 'u' } }]] } } }],
      'accept',
    ],
    [
      'a verdict map without an entry',
      [{ vmap: { key: meta('iifname'), data: { set: [['eth9', ACCEPT]] } } }],
      'drop',
    ],
    [
      'ct state vmap',
      [
        {
          vmap: {
            key: ct('state'),
            data: {
              set: [
                ['established', { drop: null }],
                ['new', ACCEPT],
              ],
            },
          },
        },
      ],
      'accept',
    ],
    ['a counter decides nothing', [{ counter: { packets: 1, bytes: 2 } }, ACCEPT], 'accept'],
    ['a limit', [{ limit: { rate: 5, burst: 5, per: 'minute' } }, ACCEPT], 'doubt'],
    ['a hash', [{ vmap: { key: { jhash: { mod: 2 } }, data: { set: [[0, ACCEPT]] } } }], 'doubt'],
    ['a user', [match('==', meta('skuid'), 0), ACCEPT], 'doubt'],
  ];
  for (const [name, expr, expected, fields] of cases) {
    it(`${name}: ${expected}`, () => assert.equal(verdictOf(expr, fields), expected));
  }

  it('translates by a map, and by a target in the rule', () => {
    const translated = (expr: unknown[], type = 'prerouting') => {
      const chain = { chain: { name: 'c', type: 'nat', hook: type, prio: -100, policy: 'accept' } };
      const table = readNftTable(
        'inet',
        'fw',
        [...SETS, chain, { rule: { chain: 'c', handle: 1, expr } }],
        new Map(),
      );
      const made = packet();
      runHook({ tables: [table], unread: [] }, type as 'prerouting', made, CONTEXT);
      return [made.source, made.destination].map(({ ip, port }) => `${ip}:${port}`);
    };
    const byMap = { dnat: { family: 'ip', addr: { map: { key: payload('tcp', 'dport'), data: '@m' } } } };
    const rewrites = { mangle: { key: payload('tcp', 'dport'), value: 5353 } };
    assert.deepEqual(translated([rewrites])[1], '10.0.0.1:5353');
    assert.deepEqual(translated([{ mangle: { key: payload('ip', 'ttl'), value: 9 } }])[1], '10.0.0.1:80');
    assert.deepEqual(translated([byMap]), ['10.9.0.2:40000', '10.0.0.2:8080']);
    assert.deepEqual(translated([{ dnat: { family: 'ip', addr: '10.1.1.1', port: 81 } }])[1], '10.1.1.1:81');
    assert.deepEqual(translated([{ redirect: { port: 99 } }])[1], '10.9.0.1:99');
    assert.deepEqual(translated([{ masquerade: null }], 'postrouting')[0], '10.9.0.1:40000');
    const keeps = { prefix: { addr: '10.9.0.0', len: 24 } };
    const prefix = {
      snat: {
        family: 'ip',
        type_flags: 'prefix',
        addr: { map: { key: payload('ip', 'saddr'), data: { set: [[keeps, keeps]] } } },
      },
    };
    assert.deepEqual(translated([prefix, ACCEPT], 'postrouting')[0], '10.9.0.2:40000');
  });

  it('`readRuleTexts()` finds the words of each rule', () => {
    const texts = readRuleTexts(
      'table ip t { # handle 1\n\tchain c { # handle 2\n\t\ttype filter hook input priority filter; policy accept;\n\t\tip saddr 10.0.0.1 drop comment "hey you" # handle 4\n\t}\n}\n',
    );
    assert.deepEqual([...texts], [['c 4', 'ip saddr 10.0.0.1 drop']]);
  });
});
