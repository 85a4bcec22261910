import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Store } from './store.ts';

function temporaryFile(t: { after(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'bridgeport-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'state', 'bridgeport.db');
}

test('`put()` is still there after the file is opened again', (t) => {
  const path = temporaryFile(t);
  const first = Store.open(path);
  first.table<{ n: number }>('things').put('a', { n: 1 });
  first.close();
  const second = Store.open(path);
  assert.deepEqual(second.table<{ n: number }>('things').all(), [['a', { n: 1 }]]);
  second.close();
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('`open()` refuses what a later version has written', (t) => {
  const path = temporaryFile(t);
  Store.open(path).close();
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 2');
  db.close();
  assert.throws(() => Store.open(path), /open state file ".*": it is of version 2, .* reads up to 1/);
});

test('`transaction()` that throws leaves nothing', (t) => {
  const store = Store.open(temporaryFile(t));
  const things = store.table<number>('things');
  things.put('kept', 1);
  assert.throws(() =>
    store.transaction(() => {
      things.put('lost', 2);
      things.delete('kept');
      throw new Error('no');
    }),
  );
  assert.deepEqual(things.all(), [['kept', 1]]);
  store.close();
});

test('`delete()` of what is not there is no error, `get()` gives undefined', () => {
  const store = Store.open(':memory:');
  const things = store.table<number>('things');
  things.delete('x');
  assert.equal(things.get('x'), undefined);
  store.close();
});

test('`table()` refuses a name that would be SQL', () => {
  const store = Store.open(':memory:');
  assert.throws(() => store.table('a; DROP TABLE b'), /bad name/);
  store.close();
});
