/** Facts about the machine that do not change while it runs. */
import { readFileSync } from 'node:fs';
import { arch, cpus, hostname, release, totalmem } from 'node:os';

export interface HostFacts {
  readonly hostname: string;
  /** `6.1.0-18-amd64`, as `uname -r` prints it. */
  readonly kernelRelease: string;
  /** As `uname -m` prints it: `x86_64`, `aarch64`. */
  readonly machine: string;
  /** PRETTY_NAME of os-release(5): `Debian GNU/Linux 12 (bookworm)`. */
  readonly operatingSystem: string;
  /** VERSION_ID of os-release(5): `12`; empty where it is not given. */
  readonly operatingSystemVersion: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly bootId: string;
}

export function readHostFacts(): HostFacts {
  const os = readOsRelease();
  const architecture = arch();
  return {
    hostname: hostname(),
    kernelRelease: release(),
    machine: { x64: 'x86_64', arm64: 'aarch64' }[architecture as string] ?? architecture,
    operatingSystem: os.get('PRETTY_NAME') ?? os.get('NAME') ?? 'Linux',
    operatingSystemVersion: os.get('VERSION_ID') ?? '',
    cpus: cpus().length,
    memoryBytes: totalmem(),
    bootId: bootId(),
  };
}

/** A random name of this boot of the machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** The assignments of os-release(5), quotes undone; empty where there is no such file. */
export function readOsRelease(): ReadonlyMap<string, string> {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return parseOsRelease(readFileSync(path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return new Map();
}

export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const entries: Array<[string, string]> = [];
  for (const line of text.split('\n')) {
    const match = /^([A-Z0-9_]+)=(.*)$/.exec(line.trim());
    if (!match) continue;
    const [, name = '', value = ''] = match;
    const quoted = /^(["'])(.*)\1$/.exec(value);
    entries.push([name, quoted ? (quoted[2] ?? '').replace(/\\(["$`\\])/g, '$1') : value]);
  }
  return new Map(entries);
}
