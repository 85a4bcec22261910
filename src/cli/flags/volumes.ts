import { resolve } from 'node:path';

/** What the `-v` flags ask for, in the shapes of the API. */
export interface Volumes {
  /** `source:target[:options]`, binds and named volumes, in the order given. */
  binds: string[];
  /** Anonymous volumes, by their path inside. */
  anonymous: Record<string, Record<string, never>>;
}

/**
 * Sorts `-v` values into binds and anonymous volumes; a source that starts with a dot is made absolute against `cwd`.
 *
 * Throws an `Error`: `invalid spec: a:b:c:d: too many colons`.
 */
export function volumes(specs: readonly string[], cwd: string): Volumes {
  const result: Volumes = { binds: [], anonymous: {} };
  for (const spec of new Set(specs)) {
    const source = sourceOf(spec);
    if (source === '') result.anonymous[spec] = {};
    else if (source.startsWith('.')) result.binds.push(resolve(cwd, source) + spec.slice(source.length));
    else result.binds.push(spec);
  }
  return result;
}

/** The part before the first colon, or empty for a volume without a name. */
function sourceOf(spec: string): string {
  if (spec === '') throw new Error('invalid empty volume spec');
  if (spec.length <= 2) return '';
  const sections = spec.split(':');
  if (sections.includes('')) throw new Error(`invalid spec: ${spec}: empty section between colons`);
  if (sections.length > 3) throw new Error(`invalid spec: ${spec}: too many colons`);
  return sections.length === 1 ? '' : sections[0]!;
}

/** `--tmpfs /run:rw,size=64k` as a map from path to options. */
export function tmpfsMounts(specs: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const spec of specs) {
    const at = spec.indexOf(':');
    if (at < 0) result[spec] = '';
    else result[spec.slice(0, at)] = spec.slice(at + 1);
  }
  return result;
}
