import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Answer, readAnswer } from '../message/answer.ts';
import { FLAG, RCODE, TYPE } from '../message/constants.ts';
import { type AnswerOptions, a, answer, query, soa } from '../testing/messages.ts';
import { AnswerCache } from './cache.ts';

const asked = query('example.org', { id: 0 });
const make = (options: AnswerOptions): Answer => readAnswer(answer(asked, options), asked)!;
const positive = (ttl: number) => make({ answers: [a('example.org', '192.0.2.1', ttl)] });

describe('AnswerCache', () => {
  it('keeps an answer for its TTL, and tells its age', () => {
    const cache = new AnswerCache();
    cache.set('k', positive(60), 1000);
    assert.equal(cache.get('k', 1000)?.age, 0);
    assert.equal(cache.get('k', 1001)?.age, 1);
    assert.equal(cache.get('k', 60_999)?.age, 60);
    assert.equal(cache.get('k', 61_000), undefined);
    assert.deepEqual([cache.size, cache.bytes], [0, 0]);
  });

  it('the least TTL counts; 0 is not kept, and neither are failures and cut answers', () => {
    const cache = new AnswerCache();
    cache.set('k', make({ answers: [a('x', '192.0.2.1', 60), a('x', '192.0.2.2', 5)] }), 0);
    assert.ok(cache.get('k', 4999));
    assert.equal(cache.get('k', 5000), undefined);
    cache.set('zero', positive(0), 0);
    cache.set('fail', make({ rcode: RCODE.SERVFAIL, authorities: [soa('org', 60)] }), 0);
    cache.set('cut', make({ flags: FLAG.TC, answers: [a('x', '192.0.2.1', 60)] }), 0);
    cache.set('negative TTL', positive(0xffffffff), 0);
    assert.equal(cache.size, 0);
  });

  it('a negative answer is kept as its SOA says, and not without one', () => {
    const cache = new AnswerCache();
    cache.set('nx', make({ rcode: RCODE.NXDOMAIN, authorities: [soa('org', 30, 3600)] }), 0);
    assert.ok(cache.get('nx', 29_999));
    assert.equal(cache.get('nx', 30_000), undefined);
    cache.set('nodata', make({ authorities: [soa('org', 3600, 20)] }), 0);
    assert.ok(cache.get('nodata', 19_999));
    assert.equal(cache.get('nodata', 20_000), undefined);
    const alias = { name: 'example.org', type: TYPE.CNAME, ttl: 60, data: 'other.org' };
    cache.set('alias of nothing', make({ answers: [alias] }), 0);
    cache.set('without SOA', make({ rcode: RCODE.NXDOMAIN }), 0);
    assert.equal(cache.size, 0);
    cache.set('long', make({ rcode: RCODE.NXDOMAIN, authorities: [soa('org', 86_400, 86_400)] }), 0);
    assert.equal(cache.get('long', 900_000), undefined, 'negative answers are bounded');
  });

  it('is bounded by entries and bytes: the least recently used goes first', () => {
    const cache = new AnswerCache({ entries: 2 });
    cache.set('a', positive(60), 0);
    cache.set('b', positive(60), 0);
    cache.get('a', 1);
    cache.set('c', positive(60), 2);
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => cache.get(key, 3) !== undefined),
      [true, false, true],
    );
    const small = new AnswerCache({ bytes: 1000 });
    for (let index = 0; index < 10; index++) small.set(`${index}`, positive(60), 0);
    assert.ok(small.bytes <= 1000 && small.size === 2, `${small.bytes} bytes, ${small.size} entries`);
    small.set('9', positive(60), 0);
    assert.equal(small.size, 2);
    small.clear();
    assert.deepEqual([small.size, small.bytes], [0, 0]);
  });
});
