/**
 * Desired state on disk: one SQLite file (WAL), one table per kind of object, each object one JSON document.
 * Calls are synchronous: a commit costs tens of microseconds, and the caller knows that it has happened.
 */

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { internal, messageOf } from '../base/errors.ts';
import { reserveRoom, withReserve } from './reserve.ts';

/** Of what is written. To be raised when an earlier daemon would misunderstand it, which then refuses the file. */
const VERSION = 1;
const TABLE_NAME = /^[a-z][a-z_]*$/;

/** All objects of one kind by id. */
export class Table<T> {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #all: StatementSync;
  readonly #db: DatabaseSync;
  readonly #name: string;

  constructor(db: DatabaseSync, name: string) {
    if (!TABLE_NAME.test(name)) throw internal(`open table: bad name "${name}"`);
    db.exec(
      `CREATE TABLE IF NOT EXISTS ${name} (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID`,
    );
    this.#db = db;
    this.#name = name;
    this.#get = db.prepare(`SELECT document FROM ${name} WHERE id = ?`);
    this.#put = db.prepare(
      `INSERT INTO ${name} (id, document) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document`,
    );
    this.#delete = db.prepare(`DELETE FROM ${name} WHERE id = ?`);
    this.#all = db.prepare(`SELECT id, document FROM ${name} ORDER BY id`);
  }

  get(id: string): T | undefined {
    const row = this.#get.get(id) as { document: string } | undefined;
    return row === undefined ? undefined : this.#parse(id, row.document);
  }

  put(id: string, value: T): void {
    const document = JSON.stringify(value);
    this.#write('write', id, () => this.#put.run(id, document));
  }

  /** Deleting what is not there is not an error. */
  delete(id: string): void {
    this.#write('delete', id, () => this.#delete.run(id));
  }

  all(): Array<[id: string, value: T]> {
    const rows = this.#all.all() as Array<{ id: string; document: string }>;
    return rows.map((row) => [row.id, this.#parse(row.id, row.document)]);
  }

  #write(verb: string, id: string, work: () => unknown): void {
    // Within a transaction it is that which is tried again.
    if (this.#db.isTransaction) work();
    else withReserve(this.#db, work, `${verb} ${this.#name} "${id}"`);
  }

  #parse(id: string, document: string): T {
    try {
      return JSON.parse(document) as T;
    } catch (cause) {
      throw internal(`read ${this.#name} "${id}": the stored document is damaged`, { cause });
    }
  }
}

/** The open file. `synchronous=NORMAL` in WAL mode survives a crash of any process; a power cut may lose the last commits, never the file. */
export class Store {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Opens or makes the file, 0600, with its folder. `:memory:` keeps nothing. */
  static open(path: string): Store {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o710 });
    const previousUmask = process.umask(0o077);
    try {
      const db = new DatabaseSync(path);
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000;');
      checkVersion(db);
      if (path !== ':memory:') reserveRoom(db);
      return new Store(db);
    } catch (cause) {
      throw internal(`open state file "${path}": ${messageOf(cause)}`, { cause });
    } finally {
      process.umask(previousUmask);
    }
  }

  table<T>(name: string): Table<T> {
    return new Table<T>(this.#db, name);
  }

  /**
   * Everything `work` writes is committed together, or nothing when it throws. `work` is synchronous, transactions do not nest, and on a
   * full disk it may be run twice.
   */
  transaction<R>(work: () => R): R {
    const commit = () => {
      this.#db.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#db.exec('COMMIT');
        return result;
      } catch (error) {
        // SQLite may have done it by itself.
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    };
    return withReserve(this.#db, commit, 'commit');
  }

  close(): void {
    this.#db.close();
  }
}

function checkVersion(db: DatabaseSync): void {
  const { user_version: found } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (found > VERSION) throw new Error(`it is of version ${found}, this Bridgeport reads up to ${VERSION}`);
  if (found < VERSION) db.exec(`PRAGMA user_version = ${VERSION}`);
}
