import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readRootfsFile } from './layers.ts';

/** Two layers, the lower of which has etc/passwd. */
function layers(t: TestContext): { upper: string; lower: string } {
  const root = mkdtempSync(join(tmpdir(), 'bridgeport-layers-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const [upper, lower] = [join(root, 'upper'), join(root, 'lower')];
  mkdirSync(join(lower, 'etc'), { recursive: true });
  mkdirSync(upper);
  writeFileSync(join(lower, 'etc/passwd'), 'lower');
  return { upper, lower };
}

const whiteout = (path: string) => execFileSync('mknod', [path, 'c', '0', '0']);

test('a file that was deleted in an upper layer is not there', (t) => {
  const { upper, lower } = layers(t);
  mkdirSync(join(upper, 'etc'));
  whiteout(join(upper, 'etc/passwd'));
  assert.equal(
    readRootfsFile([upper, lower], '/etc/passwd', () => undefined),
    undefined,
  );
});

test('nor is one whose folder was deleted', (t) => {
  const { upper, lower } = layers(t);
  whiteout(join(upper, 'etc'));
  assert.equal(
    readRootfsFile([upper, lower], '/etc/passwd', () => undefined),
    undefined,
  );
});
