/**
 * Prints a value as Go's `%v` does: `[a b]`, `map[a:1]`. dockerd's messages about conflicting values look so, and
 * test harnesses compare them.
 */
export function show(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([name, item]) => `${name}:${show(item)}`).join(' ')}]`;
  }
  return String(value);
}
