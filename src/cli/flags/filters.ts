import { cut } from './csv.ts';
import { list } from './flag.ts';

/** Filters as the API wants them in its `filters` query parameter. */
export type Filters = Record<string, Record<string, true>>;

/** The flag `--filter`, `-f`. */
export const filterFlag = (usage = 'Filter output based on conditions provided') => ({
  ...list(usage, {
    short: 'f',
    type: 'filter',
    validate: (value) => {
      if (value !== '' && !value.includes('=')) throw new Error('bad format of filter (expected name=value)');
      return value;
    },
  }),
});

/** `['status=running', 'name=web']` as the API's map; undefined when there are none. */
export function filterQuery(values: readonly string[]): Filters | undefined {
  const result: Filters = {};
  for (const value of values) {
    const [name, text = ''] = cut(value);
    if (value === '') continue;
    const key = name.trim().toLowerCase();
    result[key] = { ...result[key], [text.trim()]: true };
  }
  return Object.keys(result).length > 0 ? result : undefined;
}
