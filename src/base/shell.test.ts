import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { it } from 'node:test';
import { shellCommand } from './shell.ts';

it('`shellCommand()` is read by a shell as the words that it was made of', () => {
  const words = [
    'a',
    '',
    'b c',
    "it's",
    '$(reboot) `x` "y" \\',
    'net.ipv4/x=1',
    '{ "docker0" }',
    '#',
    '~',
    'é',
  ];
  const read = execFileSync('sh', ['-c', shellCommand('printf', '%s\\0', ...words)]).toString();
  assert.deepEqual(read.split('\0').slice(0, -1), words);
  assert.equal(shellCommand('sysctl', '-w', 'net.ipv4.ip_forward=1'), 'sysctl -w net.ipv4.ip_forward=1');
});
