import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { a, answer, decode, opt, query, soa, type TestRecord } from '../testing/messages.ts';
import { readAnswer, renderAnswer, truncate } from './answer.ts';
import { FLAG, RCODE, TYPE } from './constants.ts';
import { canonicalName, encodeName, readName, skipName } from './name.ts';
import { type Query, readQuery } from './query.ts';
import { badQueryAnswer, errorAnswer, ownAnswer } from './reply.ts';
import { upstreamQuery } from './upstream-query.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const read = (message: Buffer): Query => {
  const result = readQuery(message);
  assert.ok(result !== undefined && !('rcode' in result));
  return result;
};

/** `dig www.Example.org`, as dig 9.18 sends it: RD, AD, an OPT record with a cookie. */
const DIG = hex(`
  2b1a 0120 0001 0000 0000 0001 03777777 07 4578616d706c65 03 6f7267 00 0001 0001
  00 0029 04d0 00000000 000c 000a 0008 5a3f1122c0ffee01`);
/** glibc's getaddrinfo: no EDNS. */
const GLIBC = hex('8d55 0100 0001 0000 0000 0000 02 6462 00 001c 0001');
/** An answer with a compressed alias and address: www.example.org CNAME web.example.org, A 192.0.2.1; OPT. */
const COMPRESSED = hex(`
  0000 8180 0001 0002 0000 0001 03777777 07 6578616d706c65 03 6f7267 00 0001 0001
  c00c 0005 0001 0000012c 0006 03 776562 c010
  c02d 0001 0001 0000003c 0004 c0000201
  00 0029 1000 00008000 0000`);

describe('names', () => {
  it('`readName()` gives lower-case text and the offset behind', () => {
    assert.deepEqual(readName(DIG, 12), { text: 'www.example.org', end: 29 });
    assert.deepEqual(readName(Buffer.of(0), 0), { text: '', end: 1 });
    assert.deepEqual(readName(Buffer.from('\x03a.b\x02c\\\0', 'latin1'), 0), { text: 'a\\.b.c\\\\', end: 8 });
  });

  it('`readName()` follows compression pointers, backwards only', () => {
    assert.deepEqual(readName(COMPRESSED, 45), { text: 'web.example.org', end: 51 });
    assert.deepEqual(readName(COMPRESSED, 51), { text: 'web.example.org', end: 53 });
    const loop = Buffer.concat([Buffer.alloc(12), hex('c00c')]);
    assert.equal(readName(loop, 12), undefined);
    const forwards = Buffer.concat([Buffer.alloc(12), hex('c00e 00')]);
    assert.equal(readName(forwards, 12), undefined);
    const pair = Buffer.concat([Buffer.alloc(12), hex('01 61 c010 01 62 c00c')]);
    assert.equal(readName(pair, 16), undefined, 'two that point to each other');
    const header = Buffer.concat([Buffer.alloc(12), hex('c000')]);
    assert.equal(readName(header, 12), undefined);
  });

  it('`readName()` and `skipName()` refuse what is cut off, too long or of a reserved type', () => {
    for (const bytes of ['', '03 61 62', '40 61', '80 61', 'c0', '3f', `${'01 61'.repeat(127)} 01 61 00`]) {
      assert.equal(readName(hex(bytes), 0), undefined, bytes);
      assert.equal(skipName(hex(bytes), 0), undefined, bytes);
    }
    const longest = hex(`${'01 61'.repeat(127)} 00`);
    assert.equal(longest.length, 255);
    assert.equal(readName(longest, 0)?.end, 255);
    assert.equal(skipName(longest, 0), 255);
  });

  it('`encodeName()` is the inverse, and refuses what cannot be a name', () => {
    for (const text of ['', 'db', 'a.b.c', 'a\\.b.c\\\\', 'x'.repeat(63)]) {
      assert.equal(readName(encodeName(text)!, 0)?.text, text);
    }
    assert.equal(canonicalName('DB.Front.'), 'db.front');
    for (const text of ['a..b', '.a', 'x'.repeat(64), `${'abcdefg.'.repeat(32)}`]) {
      assert.equal(encodeName(text), undefined, text);
    }
    const wire = hex('05 6b c3b6 6c6e 00');
    assert.equal(readName(wire, 0)?.text, canonicalName('K\u00f6ln'));
    assert.deepEqual(encodeName(canonicalName('k\u00f6ln')), wire);
  });
});

describe('queries', () => {
  it('`readQuery()` reads what resolvers send', () => {
    const dig = read(DIG);
    assert.deepEqual(dig.question, { name: 'www.example.org', type: TYPE.A, class: 1, end: 33 });
    assert.deepEqual(
      [dig.id, dig.edns?.udpLength, dig.edns?.dnssecOk, dig.edns?.options.length, dig.hasMore],
      [0x2b1a, 1232, false, 12, false],
    );
    const glibc = read(GLIBC);
    assert.deepEqual([glibc.question.name, glibc.question.type, glibc.edns], ['db', TYPE.AAAA, undefined]);
  });

  it('`readQuery()` says how to answer what is malformed, and to keep silent at responses', () => {
    const changed = (offset: number, value: number, source = GLIBC) => {
      const copy = Buffer.from(source);
      copy.writeUInt16BE(value, offset);
      return readQuery(copy);
    };
    assert.equal(readQuery(Buffer.alloc(11)), undefined);
    assert.equal(changed(2, 0x8180), undefined);
    assert.deepEqual(changed(2, 0x2800), { rcode: RCODE.NOTIMP });
    for (const [offset, value] of [
      [4, 0],
      [4, 2],
      [6, 1],
      [10, 1],
      [12, 0xc00c],
    ] as const) {
      assert.deepEqual(changed(offset, value), { rcode: RCODE.FORMERR }, `${value} at ${offset}`);
    }
    const two = Buffer.concat([query('db', { edns: {} }), opt({})]);
    two.writeUInt16BE(2, 10);
    assert.deepEqual(readQuery(two), { rcode: RCODE.FORMERR });
    assert.equal(read(query('db', { edns: { version: 1 } })).edns?.version, 1);
    assert.equal(read(query('db', { edns: { udpLength: 100 } })).edns?.udpLength, 512);
  });

  it('`upstreamQuery()` keeps question, flags and EDNS, without what is for one hop', () => {
    const { message, key } = upstreamQuery(read(DIG));
    const sent = decode(message);
    assert.deepEqual([sent.id, sent.flags], [0, FLAG.RD | FLAG.AD]);
    assert.equal(message.subarray(12, 33).compare(DIG.subarray(12, 33)), 0, 'spelling');
    assert.deepEqual(sent.additionals, [{ name: '', type: TYPE.OPT, ttl: 0, data: Buffer.alloc(0) }]);
    assert.equal(key, upstreamQuery(read(query('WWW.example.org', { flags: 0x0120, edns: {} }))).key);
    assert.notEqual(key, upstreamQuery(read(query('www.example.org', { flags: 0x0120 }))).key);
    assert.notEqual(
      key,
      upstreamQuery(read(query('www.example.org', { flags: 0x0120, edns: { dnssecOk: true } }))).key,
    );
  });

  it('`upstreamQuery()` shares no answers for options and records that it does not understand', () => {
    const subnet = hex('0008 0007 0001 1800 c00002');
    const cookie = hex('000a 0008 0102030405060708');
    const asked = upstreamQuery(read(query('db', { edns: { options: Buffer.concat([cookie, subnet]) } })));
    assert.equal(asked.key, undefined);
    assert.deepEqual(decode(asked.message).additionals[0]?.data, subnet);
    const broken = upstreamQuery(read(query('db', { edns: { options: hex('0008 ffff 00') } })));
    assert.deepEqual(decode(broken.message).additionals[0]?.data, Buffer.alloc(0));
    const signed = Buffer.concat([GLIBC, hex('00 00fa 00ff 00000000 0000')]);
    signed.writeUInt16BE(1, 10);
    const { message, key } = upstreamQuery(read(signed));
    assert.equal(key, undefined);
    assert.equal(message.subarray(2).compare(signed.subarray(2)), 0);
  });
});

describe('answers', () => {
  const asked = upstreamQuery(read(DIG)).message;

  it('`readAnswer()` reads a compressed answer, and finds all TTLs but that of OPT', () => {
    const read = readAnswer(COMPRESSED, asked)!;
    assert.deepEqual([read.rcode, read.truncated, read.lifetime], [0, false, 60]);
    assert.deepEqual(
      read.ttlsAt.map((at) => COMPRESSED.readUInt32BE(at)),
      [300, 60],
    );
    const trailing = Buffer.concat([COMPRESSED, Buffer.from('rubbish')]);
    assert.equal(readAnswer(trailing, asked)?.message.length, COMPRESSED.length);
  });

  it('`renderAnswer()` gives id and spelling back to the client, and lets TTLs count down', () => {
    const rendered = renderAnswer(readAnswer(COMPRESSED, asked)!, read(DIG), 7, 512);
    const whole = decode(rendered);
    assert.equal(whole.id, 0x2b1a);
    assert.equal(rendered.subarray(12, 33).compare(DIG.subarray(12, 33)), 0);
    assert.deepEqual(
      whole.answers.map(({ ttl, data }) => [ttl, data]),
      [
        [293, 'web.example.org'],
        [53, '192.0.2.1'],
      ],
    );
    assert.equal(whole.additionals[0]?.ttl, 0x8000);
    assert.equal(decode(renderAnswer(readAnswer(COMPRESSED, asked)!, read(DIG), 99, 512)).answers[1]?.ttl, 0);
  });

  it('`readAnswer()` refuses other questions, queries and broken records', () => {
    const changed = (offset: number, value: number) => {
      const copy = Buffer.from(COMPRESSED);
      copy.writeUInt16BE(value, offset);
      return readAnswer(copy, asked);
    };
    assert.equal(readAnswer(DIG, asked), undefined);
    assert.equal(readAnswer(COMPRESSED.subarray(0, 50), asked), undefined);
    assert.equal(changed(4, 0), undefined);
    assert.equal(changed(6, 4), undefined);
    assert.equal(changed(13, 0x7878), undefined, 'another name');
    assert.equal(changed(29, TYPE.AAAA), undefined, 'another type');
    assert.equal(changed(33, 0xc0ff), undefined, 'a pointer forwards');
    const extended = Buffer.from(COMPRESSED);
    extended[COMPRESSED.length - 6] = 1;
    assert.equal(readAnswer(extended, asked)?.rcode, RCODE.BADVERS);
  });

  it('a refusal that is only a header is understood; a cut message that says so is emptied', () => {
    const header = hex('0000 8185 0000 0000 0000 0000');
    const refused = readAnswer(header, asked)!;
    assert.equal(refused.rcode, RCODE.REFUSED);
    assert.equal(decode(renderAnswer(refused, read(DIG), 0, 512)).questions[0]?.name, 'www.example.org');
    const cut = Buffer.from(COMPRESSED.subarray(0, 50));
    cut.writeUInt16BE(0x8380, 2);
    const emptied = readAnswer(cut, asked)!;
    assert.deepEqual([emptied.truncated, decode(emptied.message).answers], [true, []]);
  });

  it('`truncate()` cuts at records, keeps OPT, and says so', () => {
    const many: TestRecord[] = Array.from({ length: 40 }, (_, index) => a('x.org', `192.0.2.${index}`));
    const message = answer(query('x.org'), { answers: many, authorities: [soa('org', 60)], edns: {} });
    const cut = truncate(message, 512);
    assert.ok(cut.length <= 512 && cut.length > 480, `${cut.length} bytes`);
    const whole = decode(cut);
    assert.ok(whole.flags & FLAG.TC);
    assert.deepEqual(whole.authorities, []);
    assert.deepEqual(whole.answers, many.slice(0, whole.answers.length));
    assert.equal(whole.additionals[0]?.type, TYPE.OPT);
    const bare = decode(truncate(message, 40));
    assert.deepEqual([bare.answers, bare.additionals.length], [[], 1]);
    // Additional records may be left out without a word.
    const extra = Buffer.concat([
      answer(query('x.org'), { answers: many.slice(0, 1) }),
      message.subarray(23, 23 + 21),
    ]);
    extra.writeUInt16BE(1, 10);
    const less = decode(truncate(extra, extra.length - 1));
    assert.deepEqual([less.answers.length, less.additionals.length, less.flags & FLAG.TC], [1, 0, 0]);
  });

  it('our own answers repeat question, RD and EDNS, and carry extended codes', () => {
    const records = [{ type: TYPE.A, data: Buffer.from([192, 0, 2, 1]) }];
    const own = decode(ownAnswer(read(DIG), RCODE.NOERROR, records, 10));
    assert.deepEqual(own.answers, [{ name: 'www.example.org', type: TYPE.A, ttl: 10, data: '192.0.2.1' }]);
    assert.deepEqual([own.flags, own.additionals.length], [FLAG.QR | FLAG.RD | FLAG.RA, 1]);
    const bad = decode(errorAnswer(read(DIG), RCODE.BADVERS));
    assert.deepEqual([bad.rcode, (bad.additionals[0]?.ttl ?? 0) >>> 24], [0, 1]);
    assert.deepEqual(decode(errorAnswer(read(GLIBC), RCODE.NXDOMAIN)).additionals, []);
    assert.equal(badQueryAnswer(GLIBC, RCODE.FORMERR).toString('hex'), '8d5581810000000000000000');
  });
});

describe('whatever bytes come', () => {
  /** xorshift32: the same bytes in every run. */
  const random = (seed: number) => () => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed >>> 0;
  };

  it('nothing throws, and what is understood can be answered and read', () => {
    const next = random(20_240_601);
    const seeds = [
      DIG,
      GLIBC,
      COMPRESSED,
      query('a.b.c', { edns: { options: hex('0008 0007 0001 1800 c00002') } }),
      answer(query('www.example.org'), { rcode: 3, authorities: [soa('org', 60)], edns: {} }),
    ];
    let understood = 0;
    for (let turn = 0; turn < 20_000; turn++) {
      let bytes = Buffer.from(seeds[next() % seeds.length]!);
      for (let change = next() % 6; change > 0; change--) bytes[next() % bytes.length] = next() & 255;
      if (next() % 4 === 0) bytes = bytes.subarray(0, next() % (bytes.length + 1));
      if (next() % 8 === 0) bytes = Buffer.concat([bytes, bytes.subarray(next() % (bytes.length + 1))]);
      const result = readQuery(bytes);
      if (result !== undefined && 'rcode' in result) badQueryAnswer(bytes, result.rcode);
      else if (result !== undefined) {
        understood++;
        const upstream = upstreamQuery(result).message;
        assert.ok(readQuery(upstream) !== undefined);
        decode(
          truncate(
            ownAnswer(result, next() % 24, [{ type: 1, data: Buffer.alloc(4) }], 1),
            20 + (next() % 600),
          ),
        );
      }
      const reply = readAnswer(bytes, asked(next));
      if (reply === undefined) continue;
      understood++;
      const limit = 12 + (next() % 600);
      const rendered = renderAnswer(reply, read(DIG), next() % 100, limit);
      assert.ok(rendered.length <= Math.max(limit, 33 + 4096));
      truncate(bytes, limit);
    }
    assert.ok(understood > 2000, `${understood} understood`);
  });

  const asked = (next: () => number) =>
    upstreamQuery(read(next() % 2 ? DIG : query('www.example.org'))).message;
});
