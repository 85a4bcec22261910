import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandEntry } from './command.ts';
import { parseFlags } from './flags/parse.ts';
import { commands } from './registry.ts';

function* leaves(level: Record<string, CommandEntry>, path: string): Generator<[string, CommandEntry]> {
  for (const [name, entry] of Object.entries(level)) {
    if ('commands' in entry) yield* leaves(entry.commands, `${path} ${name}`);
    else {
      yield [`${path} ${name}`, entry];
      yield* leaves(entry.below ?? {}, `${path} ${name}`);
    }
  }
}

test('every command can be loaded, and says of itself what the list says of it', async () => {
  for (const [path, entry] of leaves(commands, 'bridgeport')) {
    assert.ok('load' in entry, path);
    const command = await entry.load();
    assert.equal(command.summary.split('\n')[0], entry.summary, path);
  }
});

test('every flag has one meaning and its aliases exist', async () => {
  for (const [path, entry] of leaves(commands, 'bridgeport')) {
    if (!('load' in entry)) continue;
    const command = await entry.load();
    const flags = typeof command.flags === 'function' ? command.flags({ env: {} }) : command.flags;
    const shorts = Object.values(flags).flatMap((flag) => flag.short ?? []);
    assert.equal(new Set(shorts).size, shorts.length, `${path}: a letter stands for two flags`);
    for (const flag of Object.values(flags)) if (flag.aliasOf) assert.ok(flags[flag.aliasOf], path);
    assert.deepEqual(parseFlags(flags, []).args, [], path);
  }
});
