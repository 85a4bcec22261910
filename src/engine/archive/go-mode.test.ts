import assert from 'node:assert/strict';
import { it } from 'node:test';
import { goFileMode } from './go-mode.ts';

it('`goFileMode()` gives the numbers that Docker sends', () => {
  // From a dockerd: a folder 0755, a link 0777, a file 0755.
  assert.equal(goFileMode(0o040755), 2147484141);
  assert.equal(goFileMode(0o120777), 134218239);
  assert.equal(goFileMode(0o100755), 493);
  // setuid, setgid, sticky; character and block device, FIFO, socket.
  assert.equal(goFileMode(0o104755), 2 ** 23 + 0o755);
  assert.equal(goFileMode(0o102755), 2 ** 22 + 0o755);
  assert.equal(goFileMode(0o041777), 2 ** 31 + 2 ** 20 + 0o777);
  assert.equal(goFileMode(0o020666), 2 ** 26 + 2 ** 21 + 0o666);
  assert.equal(goFileMode(0o060660), 2 ** 26 + 0o660);
  assert.equal(goFileMode(0o010644), 2 ** 25 + 0o644);
  assert.equal(goFileMode(0o140755), 2 ** 24 + 0o755);
});
