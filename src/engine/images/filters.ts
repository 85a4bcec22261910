/** Filters of `GET /images/json` and `POST /images/prune`. */

import { invalid } from '../../base/errors.ts';
import type { Filters } from '../../base/wire/index.ts';
import { familiarName, familiarReference, type Reference } from '../../runtime/registry/reference.ts';
import type { Image } from './image.ts';

/**
 * Refuses filters that are not in `known`.
 *
 * @throws `invalid`, in Docker's words
 */
export function checkFilters(filters: Filters, known: readonly string[]): void {
  for (const name of Object.keys(filters)) {
    if (!known.includes(name)) throw invalid(`invalid filter '${name}'`);
  }
}

/** The one boolean value of a filter; undefined when it is not given. */
export function booleanFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters[name];
  if (values === undefined || values.length === 0) return undefined;
  const truths = values.map((value) => {
    if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
    if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
    throw invalid(`invalid filter '${name}=[${values.join(' ')}]'`);
  });
  if (new Set(truths).size !== 1) throw invalid(`invalid filter '${name}=[${values.join(' ')}]'`);
  return truths[0];
}

/** True when the image has all labels of `label` and none of `label!`. A value is `name` or `name=value`. */
export function labelsMatch(image: Image, filters: Filters): boolean {
  const labels = image.config.Labels ?? {};
  const has = (wanted: string): boolean => {
    const equals = wanted.indexOf('=');
    if (equals === -1) return Object.hasOwn(labels, wanted);
    return labels[wanted.slice(0, equals)] === wanted.slice(equals + 1);
  };
  return (filters.label ?? []).every(has) && !(filters['label!'] ?? []).some(has);
}

/**
 * What a `reference` pattern lets through: `nginx`, `nginx:1*`, `*:5000/team/*`. Patterns are those of Go's `path.Match`, and
 * one without a tag fits any.
 *
 * @throws `invalid` for a malformed pattern
 */
export function referenceMatcher(pattern: string): (reference: Reference) => boolean {
  const expression = globPattern(pattern);
  return (reference) =>
    expression.test(familiarReference(reference)) || expression.test(familiarName(reference));
}

/** Matches this character and nothing else, whatever it means in a regular expression. */
const literal = (char: string) => `\\u{${char.codePointAt(0)!.toString(16)}}`;

/** Go's `path.Match` as a regular expression: `*` and `?` do not cross a `/`. */
function globPattern(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at]!;
    if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '[') {
      const end = pattern.indexOf(']', at + 2);
      if (end === -1) throw invalid(`invalid filter 'reference=[${pattern}]': syntax error in pattern`);
      source += `[${pattern
        .slice(at + 1, end)
        .replaceAll('\\', '\\\\')
        .replaceAll('[', '\\[')}]`;
      at = end;
    } else if (char === '\\') {
      const next = pattern[++at];
      if (next === undefined)
        throw invalid(`invalid filter 'reference=[${pattern}]': syntax error in pattern`);
      source += literal(next);
    } else source += literal(char);
  }
  try {
    return new RegExp(`^${source}$`, 'u');
  } catch (cause) {
    throw invalid(`invalid filter 'reference=[${pattern}]': syntax error in pattern`, { cause });
  }
}

/**
 * A point in time as `until` takes it: seconds since the epoch, RFC 3339 (also without zone or time), or a Go duration
 * before now (`24h`). Milliseconds since the epoch.
 *
 * @throws `invalid`
 */
export function parseMoment(text: string, now: number = Date.now()): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const pieces = text.match(/\d+(?:\.\d+)?(?:ms|s|m|h)/g);
  if (pieces !== null && pieces.join('') === text) {
    const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
    return pieces.reduce(
      (at, piece) => at - Number.parseFloat(piece) * units[piece.replace(/[\d.]+/, '')]!,
      now,
    );
  }
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw invalid(`invalid filter 'until=[${text}]'`);
  return time;
}
