import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FLAG, TYPE } from '../message/constants.ts';
import { a, answer, decode } from '../testing/messages.ts';
import { addressesInHosts } from './hosts.ts';
import { candidatesOf } from './lookup.ts';
import { addressesOf, addressQuestion } from './question.ts';

const FILE = `127.0.0.1\tlocalhost
# 10.0.0.1 web
10.0.0.7   web.example WEB # the old one: 10.0.0.6 web
fe80::1%eth0 web
nonsense web
`;

describe('a name in /etc/hosts', () => {
  it('has every address of its lines, whatever its case; comments and nonsense are none', () => {
    assert.deepEqual(addressesInHosts(FILE, 'Web'), ['10.0.0.7', 'fe80::1']);
    assert.deepEqual(addressesInHosts(FILE, 'web.example'), ['10.0.0.7']);
    assert.deepEqual(addressesInHosts(FILE, 'old'), []);
  });
});

describe('`candidatesOf()`', () => {
  const search = ['corp.example', 'example'];
  const cases: ReadonlyArray<readonly [name: string, options: string[], wanted: string[]]> = [
    ['db', [], ['db.corp.example', 'db.example', 'db']],
    ['db', ['ndots:0'], ['db', 'db.corp.example', 'db.example']],
    ['db.prod', [], ['db.prod', 'db.prod.corp.example', 'db.prod.example']],
    ['db.prod', ['ndots:2'], ['db.prod.corp.example', 'db.prod.example', 'db.prod']],
    ['Db.', [], ['db']],
  ];
  for (const [name, options, wanted] of cases) {
    it(`${name} with ${options.join() || 'no options'}`, () => {
      assert.deepEqual(candidatesOf(name, { search, options }), wanted);
    });
  }
});

describe('a question for addresses', () => {
  it('asks for one name with recursion, and its answer gives what stands behind an alias', () => {
    const question = addressQuestion('example.com', TYPE.A, 7);
    assert.ok(question !== undefined);
    const { id, flags, questions } = decode(question);
    assert.deepEqual([id, flags, questions], [7, FLAG.RD, [{ name: 'example.com', type: TYPE.A, class: 1 }]]);
    const alias = { name: 'example.com', type: TYPE.CNAME, ttl: 60, data: 'example.net' };
    const told = answer(question, {
      answers: [alias, a('example.net', '192.0.2.1'), a('example.net', '192.0.2.2')],
    });
    assert.deepEqual(addressesOf(told), ['192.0.2.1', '192.0.2.2']);
    assert.deepEqual(addressesOf(told.subarray(0, told.length - 4)), ['192.0.2.1'], 'cut off');
    assert.equal(addressQuestion('a..b', TYPE.A, 7), undefined);
  });
});
