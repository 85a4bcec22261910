import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describeFrame } from './describe.ts';
import { FRAMES } from './frames.testing.ts';
import { interfaceBlock, namesBlock, packetBlock, sectionBlock, statisticsBlock } from './pcapng.ts';

interface Read {
  type: number;
  fixed: number[];
  data: Buffer;
  options: Array<[number, string]>;
}

/** Reads a block by the book: section 3 of draft-ietf-opsawg-pcapng. `words` are its fixed fields of four bytes each. */
function read(block: Buffer, words: number, dataWord?: number): Read {
  const length = block.readUInt32LE(4);
  assert.equal(length, block.length);
  assert.equal(length % 4, 0);
  assert.equal(block.readUInt32LE(length - 4), length);
  const fixed = Array.from({ length: words }, (_, index) => block.readUInt32LE(8 + index * 4));
  const data = block.subarray(8 + words * 4, 8 + words * 4 + (dataWord === undefined ? 0 : fixed[dataWord]!));
  const options: Array<[number, string]> = [];
  for (let at = 8 + words * 4 + Math.ceil(data.length / 4) * 4; at < length - 4; ) {
    const [code, size] = [block.readUInt16LE(at), block.readUInt16LE(at + 2)];
    if (code === 0) {
      assert.equal(at, length - 8, 'the end of options is the end of the block');
      break;
    }
    options.push([code, block.toString('latin1', at + 4, at + 4 + size)]);
    at += 4 + Math.ceil(size / 4) * 4;
  }
  return { type: block.readUInt32LE(0), fixed, data, options };
}

it('blocks have the layout of the format', () => {
  const section = read(sectionBlock({ program: 'p', os: 'Linux', comment: 'why' }), 4);
  assert.equal(section.type, 0x0a0d0d0a);
  assert.deepEqual(section.fixed, [0x1a2b3c4d, 1, 0xffffffff, 0xffffffff]);
  assert.deepEqual(section.options, [
    [1, 'why'],
    [3, 'Linux'],
    [4, 'p'],
  ]);
  const link = read(interfaceBlock({ name: 'web:eth0', description: 'd', snapLength: 99 }), 2);
  assert.deepEqual([link.type, link.fixed], [1, [1, 99]]);
  assert.deepEqual(link.options, [
    [2, 'web:eth0'],
    [3, 'd'],
    [9, '\x09'],
  ]);
  const time = 1_700_000_000_123_456_789n;
  const data = Buffer.from('hello');
  const packet = read(
    packetBlock({ interface: 2, time, data, length: 1500, direction: 'out', comment: 'a to b' }),
    5,
    3,
  );
  assert.equal(packet.type, 6);
  assert.deepEqual(packet.fixed, [2, Number(time >> 32n), Number(time & 0xffffffffn), 5, 1500]);
  assert.deepEqual(packet.data, data);
  assert.deepEqual(packet.options, [
    [1, 'a to b'],
    [2, '\x02\0\0\0'],
  ]);
  const names = namesBlock([
    { bytes: Uint8Array.of(172, 17, 0, 2), name: 'web' },
    { bytes: new Uint8Array(16), name: 'six' },
  ]);
  assert.deepEqual(read(names, 0).options, [
    [1, '\xac\x11\0\x02web\0'],
    [2, `${'\0'.repeat(16)}six\0`],
  ]);
  const statistics = read(statisticsBlock({ interface: 1, time, dropped: 7 }), 3);
  assert.deepEqual([statistics.type, statistics.fixed[0]], [5, 1]);
  assert.deepEqual(statistics.options, [[5, '\x07\0\0\0\0\0\0\0']]);
});

it('`describeFrame()` names the ends that it knows', () => {
  const owners: Record<string, { name: string }> = {
    '172.17.0.2': { name: 'web' },
    'fd00::2': { name: 'web' },
  };
  const describe = (frame: Buffer) => describeFrame(frame, (address) => owners[address]);
  assert.equal(describe(FRAMES.request), '172.17.0.3:5000 → web 172.17.0.2:80');
  assert.equal(describe(FRAMES.request6), '[fd00::3]:5000 → web [fd00::2]:80');
  assert.equal(describe(FRAMES.options), '10.0.0.9:6000 → web 172.17.0.2:443');
  assert.equal(describe(FRAMES.fragment), '10.0.0.9 → web 172.17.0.2');
  assert.equal(describe(FRAMES.arp), undefined);
  assert.equal(describe(FRAMES.request.subarray(0, 20)), undefined);
  assert.equal(
    describeFrame(FRAMES.request, () => undefined),
    undefined,
  );
});
