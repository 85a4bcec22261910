import assert from 'node:assert/strict';
import { it } from 'node:test';
import { rateLabel, SILENT } from './rate-label.ts';

const rate = (rxBytes: number, txBytes: number) => ({
  rxBytes,
  txBytes,
  rxPackets: 0,
  txPackets: 0,
  dropped: 0,
});

it('`rateLabel()` tells what is sent above the wire and what is received below, and both in a line with one unit if they can share it', () => {
  const both = rateLabel(rate(5400, 6100), true);
  assert.deepEqual([both.rate, both.lift, both.flat], ['◂ 5.4 kB/s\n▸ 6.1 kB/s', 0, '◂ 5.4 ▸ 6.1 kB/s']);
  assert.equal(rateLabel(rate(5400, 61), true).flat, '◂ 5.4 kB/s ▸ 61 B/s');
  assert.equal(rateLabel(rate(5400, 61), false).flat, '◂ 61 B/s ▸ 5.4 kB/s');
  const sent = rateLabel(rate(5400, 0), true);
  assert.deepEqual([sent.rate, sent.lift < 0, sent.flat], ['◂ 5.4 kB/s', true, '◂ 5.4 kB/s']);
  // It ends before the box.
  assert.ok(-both.beside > -sent.beside && sent.beside < 0);
  assert.deepEqual(rateLabel(rate(0, 0), true), SILENT);
});
