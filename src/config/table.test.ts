import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from './kinds.ts';
import { parseDaemonConfig } from './parse.ts';
import { OPTIONS, rows } from './table.ts';

const camel = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

test('every flag, letter and key stands for one option', () => {
  for (const column of ['flag', 'short'] as const) {
    const names = rows().flatMap(([, option]) => option[column] ?? []);
    assert.equal(new Set(names).size, names.length, column);
  }
  const keys = rows().flatMap(([, option]) => [option.key ?? [], option.formerKeys].flat());
  assert.equal(new Set(keys).size, keys.length);
});

test('every field is named after its key, or after its flag when it has none', () => {
  for (const [name, option] of rows()) assert.equal(name, camel(option.key ?? option.flag ?? ''));
});

test('every default is a value that its own option accepts in daemon.json', () => {
  for (const [name, option] of rows()) {
    assert.deepEqual(option.kind.fromJson(option.default as Json), option.default, name);
  }
});

test('every boolean flag can be given in the file and by itself', () => {
  for (const [name, option] of rows()) {
    if (typeof option.default !== 'boolean' || option.key === null || option.flag === null) continue;
    for (const value of [true, false]) {
      const file = parseDaemonConfig([], () => JSON.stringify({ [option.key as string]: value }), {});
      const flag = parseDaemonConfig([`--${option.flag}=${value}`], () => undefined, {});
      assert.ok(file.kind === 'run' && flag.kind === 'run');
      assert.deepEqual(file.config, flag.config, name);
    }
  }
});

test('the options of a first Bridgeport are built', () => {
  const names = [
    'bip',
    'bridge',
    'dataRoot',
    'defaultAddressPools',
    'hosts',
    'icc',
    'userlandProxy',
  ] as const;
  for (const name of names) assert.ok(OPTIONS[name].built, name);
});
