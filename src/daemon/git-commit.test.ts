import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gitCommit } from './git-commit.ts';

describe('gitCommit()', () => {
  let folder: string;
  const commit = '0123456789abcdef0123456789abcdef01234567';
  const write = (name: string, text: string) => writeFileSync(join(folder, '.git', name), text);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'bp-git-'));
    mkdirSync(join(folder, '.git', 'refs', 'heads'), { recursive: true });
  });
  after(() => rmSync(folder, { recursive: true }));

  it('`gitCommit()` reads a branch, loose or packed, and a detached head', () => {
    write('HEAD', 'ref: refs/heads/main\n');
    assert.equal(gitCommit(folder), '');
    write(
      'packed-refs',
      `# pack-refs with: peeled\n${'f'.repeat(40)} refs/heads/other\n${commit} refs/heads/main\n`,
    );
    assert.equal(gitCommit(folder), '0123456');
    write('refs/heads/main', `${'a'.repeat(40)}\n`);
    assert.equal(gitCommit(folder), 'aaaaaaa');
    write('HEAD', `${commit}\n`);
    assert.equal(gitCommit(folder), '0123456');
  });

  it('`gitCommit()` is empty outside of a checkout', () => {
    assert.equal(gitCommit(join(folder, 'none')), '');
  });
});
