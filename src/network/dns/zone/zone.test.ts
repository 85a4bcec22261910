import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { RCODE, TYPE } from '../message/constants.ts';
import { type Query, readQuery } from '../message/query.ts';
import { dataOf, decode, query } from '../testing/messages.ts';
import { answerLocally } from './local.ts';
import { addressOfReverseName } from './reverse.ts';
import { compileView, type ZoneLink, Zones, type ZoneView } from './zone.ts';

const view = (networks: string[], links: ZoneLink[] = []): ZoneView => ({ networks, links });

describe('zones', () => {
  let zones: Zones;
  beforeEach(() => {
    zones = new Zones();
    zones.setNetwork({
      id: 'f',
      name: 'front',
      subnets: ['172.18.0.0/16', 'fd00::/64'],
      hosts: [
        { endpointId: 'e1', names: ['web', 'www', 'all'], addresses: ['172.18.0.2', 'fd00::2'] },
        { endpointId: 'e2', names: ['web2', 'all'], addresses: ['172.18.0.3'] },
        { endpointId: 'e3', names: ['my.dotted'], addresses: [] },
      ],
    });
    zones.setNetwork({
      id: 'b',
      name: 'Back.end',
      subnets: ['172.19.0.0/16'],
      hosts: [
        { endpointId: 'e4', names: ['db'], addresses: ['172.19.0.2'] },
        { endpointId: 'e5', names: ['web'], addresses: ['172.19.0.3'] },
      ],
    });
  });

  const ask = (name: string, seen: ZoneView, type: number = TYPE.A, forwardSingleLabel = true) =>
    answerLocally(zones, compileView(seen), readQuery(query(name, { type })) as Query, {
      ttl: 10,
      forwardSingleLabel,
    });
  const found = (name: string, seen: ZoneView, type?: number) => {
    const answer = ask(name, seen, type);
    return answer === undefined ? undefined : dataOf(answer);
  };
  const rcode = (name: string, seen: ZoneView, type?: number, forward?: boolean) => {
    const answer = ask(name, seen, type, forward);
    return answer === undefined ? undefined : decode(answer).rcode;
  };

  it('names are seen on the own networks only, the first network that knows one answers', () => {
    assert.deepEqual(found('web', view(['f'])), ['172.18.0.2']);
    assert.deepEqual(found('web', view(['f', 'b'])), ['172.18.0.2']);
    assert.deepEqual(found('web', view(['b', 'f'])), ['172.19.0.3']);
    assert.deepEqual(found('db', view(['f', 'b'])), ['172.19.0.2']);
    assert.deepEqual(found('WWW', view(['f'])), ['172.18.0.2']);
    assert.deepEqual(found('web', view(['f']), TYPE.AAAA), ['fd00:0:0:0:0:0:0:2']);
  });

  it('`name.network` is looked for on that network, dots in both are allowed', () => {
    const both = view(['f', 'b']);
    assert.deepEqual(found('web.back.end', both), ['172.19.0.3']);
    assert.deepEqual(found('WEB.FRONT', both), ['172.18.0.2']);
    assert.equal(found('web.back.end', view(['f'])), undefined);
    assert.equal(rcode('my.dotted', both), RCODE.NOERROR);
    assert.equal(rcode('my.dotted.front', both), RCODE.NOERROR);
    assert.equal(found('web.elsewhere', both), undefined);
    assert.equal(found('db.front', both), undefined);
  });

  it('an alias of several containers has all their addresses, in changing order', () => {
    assert.deepEqual(found('all', view(['f'])), ['172.18.0.2', '172.18.0.3']);
    const first = new Set<unknown>();
    for (let turn = 0; turn < 64; turn++) {
      first.add(decode(ask('all', view(['f']))!).answers[0]?.data);
    }
    assert.equal(first.size, 2);
  });

  it('a link is a name for one sandbox, and goes before names of the network', () => {
    const links = [
      { networkId: 'b', alias: 'Database', target: 'db' },
      { networkId: 'f', alias: 'web2', target: 'web' },
    ];
    assert.deepEqual(found('database', view(['f', 'b'], links)), ['172.19.0.2']);
    assert.deepEqual(found('database.back.end', view(['b'], links)), ['172.19.0.2']);
    assert.deepEqual(found('web2', view(['f'], links)), ['172.18.0.2']);
    assert.equal(found('database', view(['f', 'b'])), undefined);
  });

  it('addresses have names; unused ones of the own subnets have none, others are not ours', () => {
    const seen = view(['f']);
    assert.deepEqual(found('2.0.18.172.in-addr.arpa', seen, TYPE.PTR), ['web.front']);
    assert.deepEqual(found('2.0.18.172.in-addr.arpa', seen, TYPE.A), []);
    assert.equal(rcode('9.0.18.172.in-addr.arpa', seen, TYPE.PTR), RCODE.NXDOMAIN);
    assert.equal(rcode('2.0.19.172.in-addr.arpa', seen, TYPE.PTR), undefined);
    assert.deepEqual(found('2.0.19.172.in-addr.arpa', view(['b']), TYPE.PTR), ['db.back.end']);
    const spelled = ask('2.0.19.172.in-addr.arpa', view(['b']), TYPE.PTR)!;
    assert.ok(spelled.includes('\x04Back\x03end'), 'as its owner writes it');
    assert.equal(rcode('18.172.in-addr.arpa', seen, TYPE.PTR), undefined);
  });

  it('a container’s name without dots is never somebody else’s to answer', () => {
    assert.equal(rcode('db', view(['f'])), RCODE.NXDOMAIN);
    assert.equal(rcode('nobody', view(['f'])), undefined);
    zones.reserve('c1', ['Stopped', 'alias']);
    zones.reserve('c2', ['alias']);
    assert.equal(rcode('stopped', view(['f'])), RCODE.NXDOMAIN);
    zones.reserve('c1', ['renamed']);
    assert.equal(rcode('renamed', view(['f'])), RCODE.NXDOMAIN);
    assert.equal(rcode('alias', view(['f'])), RCODE.NXDOMAIN, 'the other has it still');
    zones.reserve('c1', []);
    zones.reserve('c2', []);
    assert.equal(rcode('alias', view(['f'])), undefined);
    assert.equal(rcode('stopped', view(['f'])), undefined);
    assert.equal(rcode('nobody', view(['f']), TYPE.A, false), RCODE.NXDOMAIN);
    assert.equal(rcode('', view(['f']), TYPE.A, false), undefined, 'the root is');
    zones.removeNetwork('b');
    assert.equal(rcode('db', view(['f'])), undefined);
    assert.deepEqual(found('web', view(['b', 'f'])), ['172.18.0.2']);
  });

  it('`setHost()` and `removeHost()` change one entry', () => {
    zones.setHost('f', { endpointId: 'e1', names: ['web'], addresses: ['172.18.0.9'] });
    assert.deepEqual(found('web', view(['f'])), ['172.18.0.9']);
    assert.deepEqual(found('all', view(['f'])), ['172.18.0.3']);
    assert.equal(rcode('www', view(['f'])), undefined);
    // The address was given to another before the first one was taken away.
    zones.setHost('f', { endpointId: 'e9', names: ['new'], addresses: ['172.18.0.9'] });
    zones.removeHost('f', 'e1');
    zones.removeHost('f', 'e1');
    assert.equal(rcode('web', view(['f'])), RCODE.NXDOMAIN, 'there is one on the other network');
    assert.deepEqual(found('9.0.18.172.in-addr.arpa', view(['f']), TYPE.PTR), ['new.front']);
    assert.throws(
      () => zones.setHost('x', { endpointId: 'e', names: [], addresses: [] }),
      /network x is unknown/,
    );
    assert.throws(
      () => zones.setHost('f', { endpointId: 'e', names: ['n'], addresses: ['no'] }),
      /invalid IP/,
    );
  });

  it('`addressOfReverseName()` takes whole addresses only', () => {
    assert.equal(addressOfReverseName('1.2.0.192.in-addr.arpa')?.toString(), '192.0.2.1');
    const nibbles = `${'1'.padEnd(24, '0')}8bd01002`;
    assert.equal(addressOfReverseName(`${nibbles.split('').join('.')}.ip6.arpa`)?.toString(), '2001:db8::1');
    for (const name of [
      '2.0.192.in-addr.arpa',
      '1.2.0.256.in-addr.arpa',
      '01.2.0.192.in-addr.arpa',
      '1.ip6.arpa',
      'a',
    ]) {
      assert.equal(addressOfReverseName(name), undefined, name);
    }
  });
});
