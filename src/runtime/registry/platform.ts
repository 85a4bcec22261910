/**
 * Platforms as image indexes name them, and which of them a host can run. Names and variants follow the OCI image
 * specification and containerd's `platforms` package.
 */

import { invalid } from '../../base/errors.ts';
import type { Descriptor } from './descriptor.ts';

/** `{os: 'linux', architecture: 'arm', variant: 'v7'}` */
export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
  'os.version'?: string;
  'os.features'?: string[];
}

/** Node's `process.arch` to Go's GOARCH, which image indexes use. */
const NODE_ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  arm: 'arm',
  arm64: 'arm64',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loong64',
};

/** Other names that users give an architecture: containerd `platforms/database.go`. */
const ARCHITECTURE_ALIASES: Readonly<Record<string, { architecture: string; variant?: string }>> = {
  i386: { architecture: '386' },
  x86_64: { architecture: 'amd64' },
  'x86-64': { architecture: 'amd64' },
  aarch64: { architecture: 'arm64' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v6' },
};

const KNOWN_ARCHITECTURES = new Set([
  ...Object.values(NODE_ARCHITECTURES),
  'mips',
  'mipsle',
  'mips64',
  'mips64le',
  'ppc64',
  'wasm',
]);
const KNOWN_SYSTEMS = new Set(['linux', 'windows', 'darwin', 'freebsd', 'netbsd', 'openbsd', 'wasip1']);

/** The platform of this machine; the arguments are for tests. */
export function hostPlatform(arch: string = process.arch, os: string = 'linux'): Platform {
  return normalizePlatform({ os, architecture: NODE_ARCHITECTURES[arch] ?? arch });
}

/** Brings the several spellings of one platform to one: `aarch64` is `arm64`, `arm` is `arm/v7`, `arm64/v8` is `arm64`. */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  let architecture = platform.architecture.toLowerCase();
  let variant = platform.variant?.toLowerCase() ?? '';
  const alias = ARCHITECTURE_ALIASES[architecture];
  if (alias !== undefined) {
    architecture = alias.architecture;
    if (variant === '') variant = alias.variant ?? '';
  }
  if (/^[0-9]+$/.test(variant)) variant = `v${variant}`;
  if (architecture === 'arm64' && variant === 'v8') variant = '';
  if (architecture === 'amd64' && variant === 'v1') variant = '';
  if (architecture === 'arm' && variant === '') variant = 'v7';
  const { variant: _, ...rest } = platform;
  return { ...rest, os, architecture, ...(variant === '' ? {} : { variant }) };
}

/**
 * Parses `--platform`: `linux/arm/v7`, `linux/arm64`, `arm64` (the host's system), `linux` (the host's architecture).
 *
 * @throws `invalid`
 */
export function parsePlatform(text: string, host: Platform = hostPlatform()): Platform {
  const parts = text.split('/');
  if (parts.length > 3 || !parts.every((part) => /^[A-Za-z0-9_.-]+$/.test(part))) {
    throw invalid(
      `"${text}": invalid platform: expected os, architecture, os/architecture or os/architecture/variant`,
    );
  }
  const [first, second, third] = parts as [string, string?, string?];
  if (second === undefined) {
    const name = first.toLowerCase();
    if (KNOWN_SYSTEMS.has(name)) return normalizePlatform({ ...host, os: name });
    if (KNOWN_ARCHITECTURES.has(name) || name in ARCHITECTURE_ALIASES) {
      return normalizePlatform({ os: host.os, architecture: name });
    }
    throw invalid(`"${text}": unknown operating system or architecture: invalid argument`);
  }
  return normalizePlatform({
    os: first,
    architecture: second,
    ...(third === undefined ? {} : { variant: third }),
  });
}

/** `linux/arm/v7` */
export function formatPlatform(platform: Platform): string {
  const variant = platform.variant === undefined ? '' : `/${platform.variant}`;
  return `${platform.os}/${platform.architecture}${variant}`;
}

/**
 * What runs on `platform`, best first: an older variant of the same architecture, then the 32-bit one. An explicit
 * `linux/arm64` therefore still takes an `arm/v7` image when there is nothing better, as Docker does.
 */
export function runnablePlatforms(platform: Platform): Platform[] {
  const { os, architecture, variant } = normalizePlatform(platform);
  const level = Number(/^v([0-9]+)$/.exec(variant ?? '')?.[1] ?? 0);
  const make = (name: string, from: number, to: number): Platform[] => {
    const list: Platform[] = [];
    for (let step = from; step >= to; step--) {
      list.push(normalizePlatform({ os, architecture: name, variant: `v${step}` }));
    }
    return list;
  };
  switch (architecture) {
    case 'amd64':
      return [...make('amd64', Math.max(level, 1), 1), { os, architecture: '386' }];
    case 'arm':
      return make('arm', level === 0 ? 7 : level, 5);
    case 'arm64':
      return [...make('arm64', Math.max(level, 8), 8), ...make('arm', 8, 5)];
    default:
      return [{ os, architecture, ...(variant === undefined ? {} : { variant }) }];
  }
}

/** True when an image made for `image` runs where `wanted` does. */
export function platformMatches(wanted: Platform, image: Platform): boolean {
  const name = formatPlatform(normalizePlatform(image));
  return runnablePlatforms(wanted).some((candidate) => formatPlatform(candidate) === name);
}

/**
 * The entry of an index to use on `wanted`; the first of equals. An entry that names no platform is taken when no
 * other fits. Attestations (`unknown/unknown`) never fit.
 */
export function choosePlatform<T extends Descriptor & { platform?: Platform }>(
  manifests: readonly T[],
  wanted: Platform,
): T | undefined {
  for (const candidate of runnablePlatforms(wanted)) {
    const name = formatPlatform(candidate);
    const found = manifests.find(
      ({ platform }) => platform?.os !== undefined && formatPlatform(normalizePlatform(platform)) === name,
    );
    if (found !== undefined) return found;
  }
  return manifests.find(({ platform }) => platform === undefined || platform === null);
}
