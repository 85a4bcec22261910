import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { reserveDescriptors } from './descriptor-table.ts';

/** Descriptors that the table has room for: `FDSize` of proc_pid_status(5). */
function room(): number {
  return Number(/^FDSize:\s+(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

it('`reserveDescriptors()` makes room and leaves nothing open', async () => {
  assert.ok(room() < 1000);
  const before = readdirSync('/proc/self/fd').length;
  await reserveDescriptors(1000);
  assert.ok(room() >= 1000);
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

it('more than this process may open changes nothing, and is no error', async () => {
  const before = room();
  await reserveDescriptors(2 ** 30);
  assert.equal(room(), before);
});
