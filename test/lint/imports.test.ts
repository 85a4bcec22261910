import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { FLOORS, OWNED_PACKAGES, PURE } from '../../scripts/import-table.ts';
import { importsOf, lintImports } from '../../scripts/lint-imports.ts';

test('`lintImports()` finds every breach of the import table in a tree made of breaches, and nothing else', () => {
  const violations = lintImports(join(import.meta.dirname, 'fixture'));
  assert.deepEqual(
    violations.map(({ file, line, specifier, why }) => `${file}:${line} ${specifier}: ${why}`),
    [
      'api/server.ts:2 ../engine/start.ts: api may import base, and not engine',
      'base/ids.ts:1 node:fs: base is pure',
      'base/ids.ts:3 ../network/ipam/pool.ts: base may import nothing, and not network/ipam',
      'cli/main.ts:1 fastify: only api imports fastify',
      'cli/main.ts:2 ../../../../scripts/import-table.ts: cli imports from outside the source tree',
      'config/parse.ts:2 ../store/store.ts: config may import base, and not store',
      'daemon.ts:2 ./cli/main.ts: daemon may import base, config, kernel, store, runtime, network, proxy, engine, observe, api, and not cli',
      'engine/start.ts:1 ./testing/help.ts: only tests import test code',
      'engine/start.ts:4 ../kernel/netns/enter.ts: engine may import base, network, runtime, store, and not kernel',
      'engine/start.ts:4 (computed): a computed import cannot be checked',
      'kernel/netns/enter.ts:1 koffi: only kernel/ffi imports koffi',
      'network/drivers/bridge.ts:2 ../../engine/start.ts: network/drivers may import base, kernel, store, network, and not engine',
      'network/ipam/pool.ts:1 ../../kernel/ffi/libc.ts: network/ipam may import base, network/model, and not kernel',
      'observe/rules.ts:1 ../api/server.ts: observe may import base, kernel, network/model, network/firewall, and not api',
      'observe/rules.ts:2 ../tools/grep.ts: tools/grep.ts is in no module of the import table',
    ],
  );
});

test('`importsOf()` reads every form of import', () => {
  const forms: Array<[string, string[]]> = [
    [`import a from 'x';`, ['x']],
    [`import type { A } from "x";`, ['x']],
    [`import {\n  a,\n  b,\n} from 'x';\nimport 'y';`, ['x', 'y']],
    [`import * as a from 'x'`, ['x']],
    [`export * from 'x';`, ['x']],
    [`export { a as b } from 'x';`, ['x']],
    [`const a = await import('x');`, ['x']],
    ['const a = () => import(`x`);', ['x']],
    [`const a = require('x');`, ['x']],
    [`const a = await import(name);`, ['(computed)']],
    [`const a = await import(\`./\${name}\`);`, ['(computed)']],
    [`type A = import('x').A;`, ['x']],
    [`// import a from 'x';\n/* import 'y' */`, []],
    [`images.import('x'); class A { async import(a: string) {} }`, []],
    [`export const from = 'x';`, []],
  ];
  for (const [source, want] of forms) {
    assert.deepEqual(
      importsOf(source).map(({ specifier }) => specifier),
      want,
      source,
    );
  }
});

test('the import table has no cycle: every floor stands on lower ones', () => {
  const names = Object.keys(FLOORS);
  const within = (name: string, of: string) => name === of || name.startsWith(`${of}/`);
  // What the parts of `network` that touch the kernel may import includes each other; they are one floor.
  const touching = /^network\/(drivers|ports|dns|links|controller)$/;
  const reach = (from: string, seen: Set<string>): Set<string> => {
    for (const next of names.filter((name) => FLOORS[from]?.some((of) => within(name, of)))) {
      if (touching.test(from) && touching.test(next)) continue;
      if (!seen.has(next)) reach(next, seen.add(next));
    }
    return seen;
  };
  for (const name of names) assert.ok(!reach(name, new Set()).has(name), name);
});

test('the import table names modules that it has', () => {
  const names = Object.keys(FLOORS);
  const known = (name: string) => names.some((floor) => floor === name || floor.startsWith(`${name}/`));
  for (const name of [...Object.values(FLOORS).flat(), ...PURE]) assert.ok(known(name), name);
  for (const owner of Object.values(OWNED_PACKAGES)) assert.ok(known(owner.split('/')[0] ?? ''), owner);
});
