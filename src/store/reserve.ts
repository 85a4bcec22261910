/**
 * Room kept in the state file and in its WAL. Who fills the disk is stopped and removed to free it again, and both are
 * written down first: without room for that nothing could be removed any more.
 *
 * A file system that writes elsewhere what is overwritten (btrfs, ZFS) gives no such promise.
 */

import type { DatabaseSync } from 'node:sqlite';
import { internal, messageOf } from '../base/errors.ts';

/** Bytes in each of the two files: some hundred stops and removals. */
const RESERVE = 1 << 20;
/** `SQLITE_FULL` of sqlite3.h */
const FULL = 13;

/** Takes the room, as far as there is some. */
export function reserveRoom(db: DatabaseSync): void {
  const fill = `INSERT INTO reserve VALUES (zeroblob(${RESERVE}))`;
  try {
    db.exec('CREATE TABLE IF NOT EXISTS reserve (room BLOB) STRICT');
    // Pages that were used once stay in the file, and are what the next rows get.
    if (freeBytes(db) < RESERVE / 2) db.exec(`${fill}; DELETE FROM reserve; PRAGMA wal_checkpoint(PASSIVE)`);
    // The WAL keeps its size too, but goes whenever the file is closed. A small cache has what is rolled back written out all the same.
    else db.exec(`PRAGMA cache_size = 10; BEGIN IMMEDIATE; ${fill}; ROLLBACK; PRAGMA cache_size = -2000`);
  } catch (error) {
    if (!isFull(error)) throw error;
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

/**
 * Runs `work`, which writes and may be run twice: a WAL that cannot grow is emptied into the file, and begins at its beginning.
 *
 * @param action what is said to have failed when there is no room even so
 */
export function withReserve<R>(db: DatabaseSync, work: () => R, action: string): R {
  try {
    return work();
  } catch (error) {
    if (!isFull(error)) throw error;
  }
  try {
    db.exec('PRAGMA wal_checkpoint(RESTART)');
    return work();
  } catch (cause) {
    throw internal(`${action} in the state file "${db.location()}": ${messageOf(cause)}`, { cause });
  }
}

function freeBytes(db: DatabaseSync): number {
  const pragma = (name: string) => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  return pragma('freelist_count') * pragma('page_size');
}

function isFull(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === FULL;
}
