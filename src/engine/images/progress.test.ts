import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProgressMessage } from '../../base/wire/index.ts';
import { LayerProgress, progressBar } from './progress.ts';

test('progressBar() draws the part that is done', () => {
  assert.equal(progressBar(0, 1000), `[>${' '.repeat(49)}]  0B/1kB`);
  assert.equal(progressBar(500, 1000), `[${'='.repeat(25)}>${' '.repeat(24)}]  500B/1kB`);
  assert.equal(progressBar(1000, 1000), `[${'='.repeat(50)}]  1kB/1kB`);
  assert.equal(progressBar(1_234_567, 2_000_000_000), `[>${' '.repeat(49)}]  1.235MB/2GB`);
  assert.equal(progressBar(5, 0), '5B');
});

test('LayerProgress tells of a download at most each 100 ms, and always of its end', () => {
  const told: ProgressMessage[] = [];
  let now = 0;
  const line = new LayerProgress(
    `sha256:${'ab'.repeat(32)}`,
    1000,
    (message) => told.push(message),
    () => now,
  );
  for (let done = 0; done <= 1000; done += 10) {
    line.downloading(done);
    now += 5;
  }
  assert.deepEqual(
    told.map(({ progressDetail }) => progressDetail?.current),
    [0, 200, 400, 600, 800, 1000],
  );
  assert.ok(told.every(({ id, status }) => id === 'abababababab' && status === 'Downloading'));
  line.status('Download complete');
  assert.deepEqual(told.at(-1), { status: 'Download complete', progressDetail: {}, id: 'abababababab' });
});
