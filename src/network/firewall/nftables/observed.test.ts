import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { observeNft, parseNftTable } from './observed.ts';

/** As nft 1.0.6 prints it. */
const OBJECTS = [
  {
    set: {
      family: 'ip',
      name: 'bridges',
      table: 'docker-bridges',
      type: 'ifname',
      handle: 9,
      elem: ['docker0', 'br-a'],
    },
  },
  {
    map: {
      name: 'filter-forward-in-jumps',
      type: 'ifname',
      map: 'verdict',
      elem: [['docker0', { jump: { target: 'filter-forward-in__docker0' } }]],
    },
  },
  {
    map: {
      name: 'nat-port-ranges-at',
      type: ['ipv6_addr', 'inet_proto', 'inet_service'],
      map: 'ipv6_addr',
      flags: ['interval'],
      elem: [
        [{ concat: ['fd00:0:0:0:0:0:0:1', 'udp', { range: [8000, 8010] }] }, 'fd00:17:0::2'],
        [
          {
            elem: {
              val: { concat: ['fd00::1', 6, 80] },
              comment: 'by number where /etc/protocols is missing',
            },
          },
          'fd00::2',
        ],
      ],
    },
  },
  { chain: { name: 'filter-FORWARD', handle: 3, type: 'filter', hook: 'forward', prio: 0, policy: 'drop' } },
  { chain: { name: 'empty', handle: 4 } },
  {
    rule: {
      chain: 'filter-FORWARD',
      handle: 28,
      comment: 'user-jump #f09e28d9',
      expr: [{ jump: { target: 'DOCKER-USER' } }],
    },
  },
  { rule: { chain: 'filter-FORWARD', handle: 29, expr: [{ drop: null }] } },
];

describe('`parseNftTable()`', () => {
  test('reads chains, rules, sets and maps in the words of the compiler', () => {
    const { chains, sets } = parseNftTable(OBJECTS);
    assert.deepEqual(chains.get('filter-FORWARD'), {
      hook: { type: 'filter', hook: 'forward', priority: 0, policy: 'drop' },
      rules: [
        { handle: 28, comment: 'user-jump #f09e28d9', ours: true, targets: ['DOCKER-USER'] },
        { handle: 29, ours: false, targets: [] },
      ],
    });
    assert.deepEqual(chains.get('empty'), { rules: [] });
    assert.deepEqual([...(sets.get('bridges')?.elements.keys() ?? [])], ['"docker0"', '"br-a"']);
    assert.deepEqual(
      [...(sets.get('filter-forward-in-jumps')?.elements ?? [])],
      [['"docker0"', 'jump filter-forward-in__docker0']],
    );
    const ranges = sets.get('nat-port-ranges-at');
    assert.equal(ranges?.keyType, 'ipv6_addr . inet_proto . inet_service');
    assert.equal(ranges?.dataType, 'ipv6_addr');
    assert.equal(ranges?.interval, true);
    assert.deepEqual(
      [...(ranges?.elements ?? [])],
      [
        ['fd00::1 . udp . 8000-8010', 'fd00:17::2'],
        ['fd00::1 . tcp . 80', 'fd00::2'],
      ],
    );
  });

  test('refuses what is not its format, and more than it will hold', () => {
    assert.throws(() => parseNftTable(['chain']), { kind: 'invalid' });
    assert.throws(() => parseNftTable([{ set: { type: 'ifname' } }]), { kind: 'invalid' });
    const elem = Array.from({ length: 1_000_001 }, () => 'x');
    assert.throws(() => parseNftTable([{ set: { name: 's', type: 'ifname', elem } }]), { kind: 'invalid' });
  });
});

test('`observeNft()` asks for the tables that are there, and for no other', () => {
  const asked: string[] = [];
  const observed = observeNft((command) => {
    asked.push(command);
    return command === 'list tables'
      ? [{ table: { family: 'ip6', name: 'docker-bridges' } }, { table: { family: 'ip', name: 'filter' } }]
      : OBJECTS;
  });
  assert.deepEqual(asked, ['list tables', 'list table ip6 docker-bridges']);
  assert.equal(observed.v4, undefined);
  assert.equal(observed.v6?.chains.size, 2);
});
