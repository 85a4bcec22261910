/** An image reference in its parts, with Docker Hub's defaults left out. */
export interface Reference {
  /** `nginx`, `localhost:5000/web`. */
  name: string;
  tag: string;
  /** `sha256:…` or empty. */
  digest: string;
}

/** Takes a reference apart: `docker.io/library/nginx:1@sha256:…` → name `nginx`, tag `1`. */
export function splitReference(reference: string): Reference {
  const [withoutDigest = '', digest = ''] = reference.split('@');
  const match = /^(.*?)(?::([^:/]+))?$/.exec(withoutDigest)!;
  return { name: familiarName(match[1]!), tag: match[2] ?? '', digest };
}

/** What people type for a full name: `docker.io/library/nginx` → `nginx`. */
export function familiarName(name: string): string {
  return name.replace(/^(index\.)?docker\.io\//, '').replace(/^library\//, '');
}

/** The full name that a familiar one stands for: `nginx` → `docker.io/library/nginx`. */
export function qualifiedName(name: string): string {
  if (registryOf(name) !== 'docker.io') return name;
  const path = familiarName(name);
  return `docker.io/${path.includes('/') ? path : `library/${path}`}`;
}

/** The registry an image reference names: `localhost:5000/web:1` → `localhost:5000`; none → `docker.io`. */
export function registryOf(reference: string): string {
  const [first = '', ...rest] = reference.split('/');
  if (first === 'index.docker.io') return 'docker.io';
  const named = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return named ? first : 'docker.io';
}

/**
 * The familiar form of what was typed, with `:latest` where neither a tag nor a digest was given.
 *
 * Throws an `Error` for a reference that cannot be one, in the words of the `docker` command line.
 */
export function normalizedReference(typed: string): string {
  checkReference(typed);
  const { name, tag, digest } = splitReference(typed);
  if (digest !== '') return `${name}${tag === '' ? '' : `:${tag}`}@${digest}`;
  return `${name}:${tag || 'latest'}`;
}

/** Throws an `Error` unless `typed` follows the grammar of image references. */
export function checkReference(typed: string): void {
  const wrong = (why: string) => new Error(`invalid reference format${why}`);
  const { tag, digest } = splitReference(typed);
  const path = typed.split('@')[0]!.replace(/:[^:/]+$/, '');
  const [first = '', ...rest] = path.split('/');
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || /[A-Z]/.test(first));
  const components = hasHost ? rest : [first, ...rest];
  if (components.some((part) => /[A-Z]/.test(part))) {
    const repository = components.length > 1 || hasHost ? components.join('/') : `library/${path}`;
    throw wrong(`: repository name (${repository}) must be lowercase`);
  }
  const component = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
  if (components.some((part) => !component.test(part)) || (tag !== '' && !/^\w[\w.-]{0,127}$/.test(tag))) {
    throw wrong('');
  }
  if (typed.includes('@') && !/^[a-z0-9+._-]+:[\da-fA-F]{32,}$/.test(digest)) throw wrong('');
}
