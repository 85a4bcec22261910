import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkedDecoder } from './chunked.ts';

const WHOLE = '5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\nREST';

test('chunks are put together wherever the network cuts them', () => {
  for (let cut = 0; cut <= WHOLE.length; cut++) {
    const decoder = new ChunkedDecoder();
    const parts = [
      ...decoder.feed(Buffer.from(WHOLE.slice(0, cut))),
      ...(decoder.done ? [] : decoder.feed(Buffer.from(WHOLE.slice(cut)))),
    ];
    assert.equal(Buffer.concat(parts).toString(), 'hello world', `cut at ${cut}`);
    assert.ok(decoder.done);
    assert.ok('REST'.startsWith(decoder.rest.toString()));
  }
});

test('a size that is none is refused', () => {
  for (const text of ['x\r\n', '-1\r\n', '\r\n', '5\r\nhelloworld\r\n']) {
    assert.throws(() => new ChunkedDecoder().feed(Buffer.from(text)), /malformed chunked encoding/, text);
  }
  assert.throws(() => new ChunkedDecoder().feed(Buffer.alloc(10_000, 0x31)), /line too long/);
});
