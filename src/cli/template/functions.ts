import { printed, sprintf, toJson } from './print.ts';
import { EvaluationError, isEmpty, Nil, NO_VALUE, typeName } from './values.ts';

/** A function that a template may call. */
export type TemplateFunction = (...args: unknown[]) => unknown;

/** Functions that every template knows: Go's own, and those that the `docker` command line adds. */
export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  // and, or are evaluated lazily by the evaluator; here they only have a name.
  and: (...args) => args.find(isEmpty) ?? args.at(-1),
  or: (...args) => args.find((value) => !isEmpty(value)) ?? args.at(-1),
  not: (value) => isEmpty(value),
  eq: (first, ...others) => others.some((other) => compare(first, other) === 0),
  ne: (a, b) => compare(a, b) !== 0,
  lt: (a, b) => ordered(a, b) < 0,
  le: (a, b) => ordered(a, b) <= 0,
  gt: (a, b) => ordered(a, b) > 0,
  ge: (a, b) => ordered(a, b) >= 0,
  len: (value) => {
    if (typeof value === 'string') return Buffer.byteLength(value);
    if (Array.isArray(value)) return value.length;
    if (value instanceof Map) return value.size;
    if (value instanceof Nil && value.kind !== 'pointer') return 0;
    throw new EvaluationError(`error calling len: len of type ${typeName(value)}`);
  },
  index: (value, ...keys) => keys.reduce(indexed, value),
  slice: (value, from = 0, to) => {
    if (typeof value !== 'string' && !Array.isArray(value)) {
      throw new EvaluationError(`error calling slice: can't slice item of type ${typeName(value)}`);
    }
    const end = (to ?? value.length) as number;
    if (end > value.length) throw new EvaluationError(`error calling slice: index out of range: ${end}`);
    return value.slice(from as number, end);
  },
  print: (...args) => args.map(printed).join(' '),
  println: (...args) => `${args.map(printed).join(' ')}\n`,
  printf: (format, ...args) => sprintf(printed(format), args),
  html: (...args) =>
    args
      .map(printed)
      .join('')
      .replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`),
  urlquery: (...args) => encodeURIComponent(args.map(printed).join('')).replaceAll('%20', '+'),
  json: (value) => toJson(value),
  split: (value, separator) => printed(value).split(printed(separator)),
  join: (values, separator) => {
    if (!Array.isArray(values) && !(values instanceof Nil)) {
      throw new EvaluationError(`wrong type for value; expected []string; got ${typeName(values)}`);
    }
    return Array.isArray(values) ? values.map(printed).join(printed(separator)) : '';
  },
  title: (value) => printed(value).replace(/(^|\s)(\S)/g, (_, space, char) => space + char.toUpperCase()),
  lower: (value) => printed(value).toLowerCase(),
  upper: (value) => printed(value).toUpperCase(),
  pad: (value, before, after) => {
    const text = printed(value);
    return text === '' ? '' : ' '.repeat(Number(before)) + text + ' '.repeat(Number(after));
  },
  truncate: (value, length) => printed(value).slice(0, Number(length)),
};

/** The same names for the header line of a table, where they must leave the column's name alone. */
export const HEADER_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  ...FUNCTIONS,
  ...Object.fromEntries(
    ['json', 'split', 'join', 'title', 'lower', 'upper', 'truncate'].map((name) => [
      name,
      (value: unknown) => value,
    ]),
  ),
};

function indexed(value: unknown, key: unknown): unknown {
  if (value instanceof Map) return value.get(key) ?? '';
  if (value instanceof Nil && value.kind === 'map') return '';
  if (Array.isArray(value) || typeof value === 'string') {
    const at = Number(key);
    if (!Number.isInteger(at) || at < 0 || at >= value.length) {
      throw new EvaluationError(`error calling index: index out of range: ${printed(key)}`);
    }
    return typeof value === 'string' ? value.charCodeAt(at) : value[at];
  }
  if (value instanceof Nil || value === NO_VALUE || value === null || value === undefined) {
    throw new EvaluationError('error calling index: index of untyped nil');
  }
  // A struct of a type we do not know may have been a map in Go: be helpful.
  if (typeof value === 'object') return (value as Record<string, unknown>)[printed(key)] ?? '';
  throw new EvaluationError(`error calling index: can't index item of type ${typeName(value)}`);
}

function compare(a: unknown, b: unknown): number {
  const plain = (value: unknown) => (value instanceof Nil || value === NO_VALUE ? null : value);
  const [left, right] = [plain(a), plain(b)];
  if (left === null || right === null) return left === right ? 0 : 1;
  if (typeof left !== typeof right) {
    throw new EvaluationError('error calling eq: incompatible types for comparison');
  }
  return left === right ? 0 : 1;
}

function ordered(a: unknown, b: unknown): number {
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) {
    throw new EvaluationError('error calling lt: incompatible types for comparison');
  }
  return a < (b as typeof a) ? -1 : a === b ? 0 : 1;
}
