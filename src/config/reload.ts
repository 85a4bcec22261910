/** What SIGHUP changes in a running daemon, and what has to wait for the next start. */

import { isDeepStrictEqual } from 'node:util';
import { type DaemonConfig, rows } from './table.ts';

type Name = keyof DaemonConfig;

export interface ReloadPlan {
  /** The configuration to go on with: the old one, with the reloadable fields of the new one. */
  config: DaemonConfig;
  /** Keys of daemon.json that take effect now, in the table's order. */
  changed: string[];
  /** Keys that differ too, but take effect at the next start only. */
  deferred: string[];
}

/** Keys of daemon.json that SIGHUP takes over. */
export function reloadableKeys(): string[] {
  return rows().flatMap(([, option]) => (option.reloadable && option.key !== null ? [option.key] : []));
}

/** Compares the configuration in use with the one that the file and the flags say now. */
export function diffReload(old: DaemonConfig, next: DaemonConfig): ReloadPlan {
  const plan: ReloadPlan = { config: old, changed: [], deferred: [] };
  const merged: Record<string, unknown> = { ...old };
  for (const [name, option] of rows()) {
    const field = name as Name;
    if (option.key === null || isDeepStrictEqual(old[field], next[field])) continue;
    if (option.reloadable) {
      merged[field] = next[field];
      plan.changed.push(option.key);
    } else {
      plan.deferred.push(option.key);
    }
  }
  plan.config = merged as DaemonConfig;
  return plan;
}

/** The attributes of the event `daemon reload`: every reloadable value as text, lists and objects as JSON. */
export function reloadAttributes(config: DaemonConfig): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [name, option] of rows()) {
    if (!option.reloadable || option.key === null) continue;
    const value = config[name as Name];
    attributes[option.key] = typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
  return attributes;
}
