import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupId } from './listen.ts';

test('`groupId()` finds a group by name or number, and refuses one that is not there unless it is the default', () => {
  const groups = 'root:x:0:\nstaff:x:50:ann,bob\n';
  assert.equal(groupId('staff', groups), 50);
  assert.equal(groupId('1234', groups), 1234);
  assert.equal(groupId('docker', groups), undefined);
  assert.equal(groupId('', groups), undefined);
  assert.throws(() => groupId('staf', groups), /--group: group staf not found/);
});
