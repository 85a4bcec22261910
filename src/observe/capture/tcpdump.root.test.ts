import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { FILTERS, FRAMES } from './frames.testing.ts';
import { interfaceBlock, packetBlock, sectionBlock } from './pcapng.ts';

const isThere = spawnSync('tcpdump', ['--version']).status === 0;

it('tcpdump reads our files, and means the same frames by the same filters', {
  skip: !isThere && 'no tcpdump',
}, () => {
  const names = Object.keys(FRAMES);
  const file = Buffer.concat([
    sectionBlock({ program: 'test', os: 'Linux', comment: 'eleven frames' }),
    interfaceBlock({ name: 'eth0', description: 'a test', snapLength: 1000 }),
    ...Object.values(FRAMES).map((data, index) =>
      packetBlock({
        interface: 0,
        // The second of each frame is its number, by which tcpdump tells it.
        time: BigInt(index) * 1_000_000_000n + 123_456_789n,
        data,
        length: data.length,
        direction: 'in',
        comment: names[index],
      }),
    ),
  ]);
  for (const [filter, meant] of FILTERS) {
    const { stdout, stderr } = spawnSync('tcpdump', ['-ttnr', '-', filter], {
      input: file,
      encoding: 'utf8',
    });
    const times = stdout.split('\n').flatMap((line) => /^(\d+)\.123456/.exec(line)?.[1] ?? []);
    assert.deepEqual(
      times.map((second) => names[Number(second)]),
      meant,
      `${filter}\n${stdout}\n${stderr}`,
    );
  }
});
