import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('`nameProcess()` gives the name that `ps` shows, and leaves the command line', () => {
  const module = join(import.meta.dirname, 'process-name.ts');
  const script = `
    import { readFileSync } from 'node:fs';
    import { nameProcess } from ${JSON.stringify(module)};
    nameProcess('bridgeport-proxy');
    process.stdout.write(readFileSync('/proc/self/comm', 'utf8') + readFileSync('/proc/self/cmdline', 'utf8'));`;
  const shown = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(shown.split('\n')[0], 'bridgeport-prox');
  assert.ok(shown.includes(`${process.execPath}\0--input-type=module\0`));
});
