/** The `filters` query parameter: `{"name":["x"]}`, or the newer `{"name":{"x":true}}`. */

import { invalid } from '../base/errors.ts';
import type { Filters } from '../base/wire/index.ts';

/** The filters an endpoint knows; a checker gets each value and says whether it is one. */
export type KnownFilters = Record<string, true | ((value: string) => boolean)>;

/**
 * @param known undefined: every name is accepted (`events` does that in Docker)
 * @throws `invalid` when the text is not of either form, or names a filter or value that is not known
 */
export function parseFilters(text: string, known?: KnownFilters): Filters {
  const filters = text === '' ? {} : parse(text);
  if (known !== undefined) {
    for (const [name, values] of Object.entries(filters)) {
      const check = Object.hasOwn(known, name) ? known[name] : undefined;
      if (check === undefined) throw invalid(`invalid filter '${name}'`);
      if (check === true) continue;
      const wrong = values.find((value) => !check(value));
      if (wrong !== undefined) throw invalid(`invalid filter '${name}=${wrong}'`);
    }
  }
  return filters;
}

function parse(text: string): Filters {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`invalid filter: ${JSON.stringify(text)} is not JSON`, { cause: error });
  }
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw invalid(`invalid filter: ${text} is not an object`);
  const filters: Filters = {};
  for (const [name, entry] of Object.entries(value)) {
    const values = valuesOf(entry);
    if (values === undefined) {
      throw invalid(
        `invalid filter '${name}': ${JSON.stringify(entry)} is neither a list of strings nor a set`,
      );
    }
    Object.defineProperty(filters, name, {
      value: values,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return filters;
}

function valuesOf(entry: unknown): string[] | undefined {
  if (entry === null) return [];
  if (Array.isArray(entry)) return entry.every((item) => typeof item === 'string') ? entry : undefined;
  if (typeof entry !== 'object') return undefined;
  // Docker looks at the names only: {"running": false} is the same as {"running": true}
  return Object.values(entry).every((item) => typeof item === 'boolean') ? Object.keys(entry) : undefined;
}

const amongst = (values: string[]) => (value: string) => values.includes(value);
const truth = amongst(['0', '1', 't', 'f', 'true', 'false', 'T', 'F', 'True', 'False', 'TRUE', 'FALSE']);
const number = (value: string) => /^-?\d+$/.test(value);

export const containerFilters: KnownFilters = {
  ancestor: true,
  before: true,
  exited: number,
  expose: true,
  health: amongst(['none', 'starting', 'healthy', 'unhealthy']),
  id: true,
  isolation: true,
  'is-task': truth,
  label: true,
  name: true,
  network: true,
  publish: true,
  since: true,
  status: amongst(['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']),
  volume: true,
};
export const imageFilters: KnownFilters = {
  before: true,
  dangling: truth,
  label: true,
  reference: true,
  since: true,
  until: true,
};
export const networkFilters: KnownFilters = {
  dangling: truth,
  driver: true,
  id: true,
  label: true,
  name: true,
  scope: amongst(['local', 'global', 'swarm']),
  type: amongst(['builtin', 'custom']),
};
export const volumeFilters: KnownFilters = { dangling: truth, driver: true, label: true, name: true };
export const pruneFilters: KnownFilters = { label: true, 'label!': true, until: true };
export const imagePruneFilters: KnownFilters = { ...pruneFilters, dangling: truth };
export const volumePruneFilters: KnownFilters = { all: truth, label: true, 'label!': true };
