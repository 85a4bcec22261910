import { Nil, NO_VALUE, TYPE_NAME } from './values.ts';

/** Go's `%v` of a value. */
export function printed(value: unknown): string {
  if (value === NO_VALUE || value === null || value === undefined) return '<no value>';
  if (value instanceof Nil) return { slice: '[]', map: 'map[]', pointer: '<nil>' }[value.kind];
  if (Array.isArray(value)) return `[${value.map(inner).join(' ')}]`;
  if (value instanceof Map) {
    const entries = [...value].sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, item]) => `${key}:${inner(item)}`).join(' ')}]`;
  }
  if (typeof value === 'number') return number(value);
  if (typeof value === 'object') return `{${Object.values(value).map(inner).join(' ')}}`;
  return String(value);
}

const inner = (value: unknown) => (value === null || value === undefined ? '<nil>' : printed(value));

function number(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) < 1e21) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

/**
 * JSON as Go's encoder writes it: maps sorted by key. A row of a list has `<`, `>` and `&` escaped (Docker's rows encode
 * themselves, with the encoder's default), everything else has not.
 */
export function toJson(value: unknown): string {
  if (value === NO_VALUE || value === undefined) return 'null';
  const text = JSON.stringify(value, (_key, item: unknown) =>
    item instanceof Map ? Object.fromEntries([...item].sort(([a], [b]) => (a < b ? -1 : 1))) : item,
  );
  const isRow = typeof value === 'object' && value !== null && TYPE_NAME in value;
  return isRow ? text.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`) : text;
}

/**
 * Go's `fmt.Sprintf`, for the verbs people use in `--format`: `%s %v %d %q %t %x %X %f %g %e %c %%` with flags, width
 * and precision. A missing or superfluous argument is shown as Go shows it.
 */
export function sprintf(format: string, args: readonly unknown[]): string {
  let at = 0;
  const text = format.replace(
    /%([-+# 0]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_match, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      if (at >= args.length) return `%!${verb}(MISSING)`;
      const shown = verbatim(verb, args[at++], precision, flags);
      const size = Number(width ?? 0);
      if (flags.includes('-')) return shown.padEnd(size);
      return shown.padStart(size, flags.includes('0') && verb !== 's' ? '0' : ' ');
    },
  );
  const extra = args.slice(at).map((value) => `${printedType(value)}=${printed(value)}`);
  return extra.length > 0 ? `${text}%!(EXTRA ${extra.join(', ')})` : text;
}

function verbatim(verb: string, value: unknown, precision: string | undefined, flags: string): string {
  switch (verb) {
    case 'q':
      return JSON.stringify(printed(value));
    case 'd':
      return typeof value === 'number'
        ? (flags.includes('+') && value >= 0 ? '+' : '') + value
        : bad(verb, value);
    case 't':
      return typeof value === 'boolean' ? String(value) : bad(verb, value);
    case 'x':
    case 'X': {
      const hex =
        typeof value === 'number' ? value.toString(16) : Buffer.from(printed(value)).toString('hex');
      return verb === 'x' ? hex : hex.toUpperCase();
    }
    case 'f':
      return typeof value === 'number' ? value.toFixed(Number(precision ?? 6)) : bad(verb, value);
    case 'e':
    case 'g':
      return typeof value === 'number' ? String(value) : bad(verb, value);
    case 'c':
      return typeof value === 'number' ? String.fromCodePoint(value) : bad(verb, value);
    case 's':
      if (typeof value === 'number' || typeof value === 'boolean') return bad(verb, value);
      return precision === undefined ? printed(value) : printed(value).slice(0, Number(precision));
    default:
      return precision === undefined ? printed(value) : printed(value).slice(0, Number(precision));
  }
}

const bad = (verb: string, value: unknown) => `%!${verb}(${printedType(value)}=${printed(value)})`;

function printedType(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'interface {}';
}
