import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { displayWidth } from '../format/width.ts';
import { drawMap } from './draw.ts';
import type { NetworkMap } from './model.ts';

const golden = (name: string) => readFileSync(new URL(`./golden/${name}`, import.meta.url), 'utf8');
const host = JSON.parse(golden('host.json')) as NetworkMap;

/** Drawn from `host.json`; to change the picture, look at it and save it: `bridgeport map` draws the same. */
for (const [file, width, all] of [
  ['wide.txt', 100, false],
  ['narrow-all.txt', 72, true],
] as const) {
  test(`\`drawMap()\` draws ${file}`, () => {
    assert.equal(drawMap(host, { width, all, color: false }), golden(file));
  });
}

test('`drawMap()` with colour draws the same text', () => {
  const coloured = drawMap(host, { width: 100, all: true, color: true });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
  const plain = coloured.replace(/\x1b\[[\d;]*m/g, '').replace(/ +$/gm, '');
  assert.notEqual(coloured, plain);
  assert.equal(plain, drawMap(host, { width: 100, all: true, color: false }));
});

test('`drawMap()` is never wider than asked', () => {
  for (const width of [40, 50, 64, 80, 132, 300]) {
    for (const line of drawMap(host, { width, all: true, color: false }).split('\n')) {
      assert.ok(displayWidth(line) <= width, `${width}: ${line}`);
    }
  }
});

test('`drawMap()` closes every frame in one column', () => {
  const lines = drawMap(host, { width: 100, all: true, color: false }).split('\n');
  for (const [index, line] of lines.entries()) {
    const corner = line.indexOf('╮');
    if (corner < 0) continue;
    const closing = lines.slice(index + 1).find((below) => '╯│'.includes(below[corner] ?? '') === false);
    const end = lines.slice(index + 1).findIndex((below) => below[corner] === '╯');
    assert.ok(end >= 0, `no corner below: ${line}`);
    for (const between of lines.slice(index + 1, index + 1 + end))
      assert.equal(between[corner], '│', closing);
  }
});

test('`drawMap()` of an empty host shows the way as far as it goes', () => {
  const empty: NetworkMap = { host: { interfaces: [] }, networks: [], endpoints: [] };
  const text = drawMap(empty, { width: 80, all: false, color: false });
  assert.match(text, /world/);
  assert.match(text, /0 containers on 0 networks · 0 published ports/);
});

test('`drawMap()` says whole why it shows nothing of the host', () => {
  const note =
    'the daemon at tcp://192.0.2.1:2375 cannot explain its network, and that is a long story of many words';
  const bare: NetworkMap = { host: { interfaces: [], note }, networks: [], endpoints: [] };
  const said = drawMap(bare, { width: 50, all: false, color: false })
    .split('\n')
    .filter((line) => line.startsWith('│'))
    .map((line) => line.slice(1, -1).trim());
  assert.equal(said.join(' '), `its interfaces are not shown: ${note}`);
});
