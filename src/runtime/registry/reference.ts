/**
 * Image references as people write them (`nginx`, `host:5000/a/b:tag`, `repo@sha256:…`), after the grammar of the
 * distribution project: https://github.com/distribution/reference. A short name belongs to Docker Hub:
 * `nginx` is `docker.io/library/nginx`.
 */

import { BridgeportError, invalid } from '../../base/errors.ts';

/** A parsed reference. `domain` and `path` are never empty; a reference may have a tag, a digest, both or neither. */
export interface Reference {
  /** `docker.io`, `registry.local:5000`, `[::1]:5000` */
  readonly domain: string;
  /** `library/nginx` */
  readonly path: string;
  readonly tag?: string;
  /** `sha256:…` */
  readonly digest?: string;
}

/** The registry that a name without one belongs to. */
export const DEFAULT_DOMAIN = 'docker.io';
const LEGACY_DEFAULT_DOMAIN = 'index.docker.io';
/** The namespace of Docker Hub's official images, left out in the short form. */
const OFFICIAL_PREFIX = 'library/';
export const DEFAULT_TAG = 'latest';

const NAME_MAX_LENGTH = 255;

const DOMAIN_COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?`;
const PATH_COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const PATH = `${PATH_COMPONENT}(?:/${PATH_COMPONENT})*`;
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';

const REFERENCE_PATTERN = new RegExp(`^(${DOMAIN})/(${PATH})(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const TAG_PATTERN = new RegExp(`^${TAG}$`);
const DIGEST_PATTERN = new RegExp(`^${DIGEST}$`);
const IDENTIFIER_PATTERN = /^[a-f0-9]{64}$/;

/** How many hexadecimal digits a digest of each algorithm has. */
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

const invalidFormat = () => invalid('invalid reference format');

/**
 * Parses what a user wrote and completes the domain and Docker Hub's `library/`. It does not add a tag: see {@link withDefaultTag}.
 *
 * @throws `invalid`, in Docker's words
 */
export function parseReference(text: string): Reference {
  if (IDENTIFIER_PATTERN.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const [domain, remainder] = splitDomain(text);
  // Upper case is the commonest mistake, so it gets its own message; a tag may hold it.
  const remote = remainder.split(/[:@]/, 1)[0]!;
  if (remote !== remote.toLowerCase()) {
    throw invalid(`invalid reference format: repository name (${remote}) must be lowercase`);
  }
  const match = REFERENCE_PATTERN.exec(`${domain}/${remainder}`);
  if (match === null) throw invalidFormat();
  const [, matchedDomain, path, tag, digest] = match;
  if (path!.length > NAME_MAX_LENGTH) {
    throw invalid(
      `invalid reference format: repository name must not be more than ${NAME_MAX_LENGTH} characters`,
    );
  }
  if (digest !== undefined) checkDigest(digest);
  return {
    domain: matchedDomain!,
    path: path!,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The first component is a registry only if it cannot be a user name: it holds `.`, `:` or upper case, or is `localhost`. */
function splitDomain(text: string): [domain: string, remainder: string] {
  const slash = text.indexOf('/');
  const first = slash === -1 ? '' : text.slice(0, slash);
  const isDomain =
    slash !== -1 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  let domain = isDomain ? first : DEFAULT_DOMAIN;
  let remainder = isDomain ? text.slice(slash + 1) : text;
  if (domain === LEGACY_DEFAULT_DOMAIN) domain = DEFAULT_DOMAIN;
  if (domain === DEFAULT_DOMAIN && !remainder.includes('/')) remainder = OFFICIAL_PREFIX + remainder;
  return [domain, remainder];
}

/** True when `text` has the form `algorithm:hex` with the length that the algorithm asks for. */
export function isDigest(text: string): boolean {
  if (!DIGEST_PATTERN.test(text)) return false;
  const [algorithm, hex] = text.split(':') as [string, string];
  return DIGEST_LENGTHS[algorithm] === hex.length && hex === hex.toLowerCase();
}

function checkDigest(digest: string): void {
  const [algorithm, hex] = digest.split(':') as [string, string];
  const length = DIGEST_LENGTHS[algorithm];
  if (length === undefined) throw invalid('unsupported digest algorithm');
  if (hex.length !== length) throw invalid('invalid checksum digest length');
  if (hex !== hex.toLowerCase()) throw invalid('invalid checksum digest format');
}

/** `docker.io/library/nginx` */
export function repositoryName(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** The full form: `docker.io/library/nginx:latest`. */
export function formatReference(reference: Reference): string {
  return repositoryName(reference) + suffix(reference);
}

/** The repository as `docker images` shows it: without `docker.io/` and `library/` where they go without saying. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== DEFAULT_DOMAIN) return repositoryName(reference);
  const { path } = reference;
  // `library/a/b` must keep its prefix: `a/b` would be another repository.
  if (path.startsWith(OFFICIAL_PREFIX)) {
    const rest = path.slice(OFFICIAL_PREFIX.length);
    if (!rest.includes('/')) return rest;
  }
  return path;
}

/** The short form with tag and digest: `nginx:latest`. */
export function familiarReference(reference: Reference): string {
  return familiarName(reference) + suffix(reference);
}

function suffix(reference: Reference): string {
  return (
    (reference.tag === undefined ? '' : `:${reference.tag}`) +
    (reference.digest === undefined ? '' : `@${reference.digest}`)
  );
}

/** Adds `:latest` when there is neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined
    ? { ...reference, tag: DEFAULT_TAG }
    : reference;
}

/** @throws `invalid` when `tag` is none */
export function withTag(reference: Reference, tag: string): Reference {
  if (!TAG_PATTERN.test(tag)) throw invalid('invalid tag format');
  return { domain: reference.domain, path: reference.path, tag };
}

/** @throws `invalid` when `digest` is none */
export function withDigest(reference: Reference, digest: string): Reference {
  if (!DIGEST_PATTERN.test(digest)) throw invalid('invalid digest format');
  checkDigest(digest);
  return { domain: reference.domain, path: reference.path, digest };
}

/** Like {@link parseReference}, but undefined for what is no reference. */
export function tryParseReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof BridgeportError && error.kind === 'invalid') return undefined;
    throw error;
  }
}
