/** Kinds of values with a shape of their own: address pools, ulimits, runtimes. */

import { invalid } from '../base/errors.ts';
import { ADDRESS_BITS } from '../base/ip.ts';
import { Prefix } from '../base/prefix.ts';
import { isObject, type Json, type Kind, map } from './kinds.ts';

/** A range that new networks are cut out of: `base` in pieces of prefix length `size`. */
export interface AddressPool {
  /** CIDR notation without host bits, `172.20.0.0/14`. */
  base: string;
  /** 16 cuts /16 networks. */
  size: number;
}

/** A resource limit by setrlimit(2)'s name in lower case; -1 is unlimited. */
export interface Ulimit {
  name: string;
  soft: number;
  hard: number;
}

/** An OCI runtime that containers may name. */
export interface Runtime {
  path?: string | undefined;
  /** containerd's shim, `io.containerd.runc.v2`. */
  runtimeType?: string | undefined;
  runtimeArgs: string[];
  options: { [key: string]: Json };
}

function pool(base: string, size: number): AddressPool {
  const prefix = Prefix.parse(base);
  const longest = ADDRESS_BITS[prefix.family];
  if (!Number.isInteger(size) || size < prefix.length || size > longest) {
    throw invalid(`pool ${base}: size ${size} is not a whole number from ${prefix.length} to ${longest}`);
  }
  return { base: prefix.toString(), size };
}

/** `--default-address-pool base=10.10.0.0/16,size=24`, `"default-address-pools": [{"base": …, "size": …}]`. */
export const pools: Kind<AddressPool[]> = {
  placeholder: 'pool-options',
  repeatable: true,
  fromFlag: (text, before = []) => {
    let base = '';
    let size = Number.NaN;
    for (const field of text.split(',')) {
      const [key, value, ...rest] = field.trim().split('=');
      if (value === undefined || rest.length > 0)
        throw invalid(`invalid field '${field}' must be a key=value pair`);
      if (key === 'base') base = value;
      else if (key === 'size') size = Number(value);
      else throw invalid(`unexpected key '${key}' in '${field}'`);
    }
    return [...before, pool(base, size)];
  },
  fromJson: (value) => {
    if (!Array.isArray(value))
      throw invalid(`want an array of {"base", "size"}, got ${JSON.stringify(value)}`);
    return value.map((item) => {
      if (!isObject(item) || typeof item.base !== 'string' || typeof item.size !== 'number') {
        throw invalid(`want {"base": "10.10.0.0/16", "size": 24}, got ${JSON.stringify(item)}`);
      }
      return pool(item.base, item.size);
    });
  },
};

/** The limits that getrlimit(2) knows, by the names that `docker run --ulimit` uses. */
const ULIMITS = [
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
];

function ulimit(name: string, soft: number, hard: number): Ulimit {
  if (!ULIMITS.includes(name)) throw invalid(`invalid ulimit type: ${name}`);
  if (!Number.isInteger(soft) || !Number.isInteger(hard) || soft < -1 || hard < -1) {
    throw invalid(`ulimit ${name}: soft ${soft} and hard ${hard} must be whole numbers from -1 (unlimited)`);
  }
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw invalid(`ulimit ${name}: soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { name, soft, hard };
}

/** `--default-ulimit nofile=1024:2048`, `"default-ulimits": {"nofile": {"Name": …, "Hard": …, "Soft": …}}`. */
export const ulimits: Kind<Record<string, Ulimit>> = map(
  'ulimit',
  (name, value) => {
    const match = /^(-?\d+)(?::(-?\d+))?$/.exec(value);
    if (match === null) throw invalid(`ulimit ${name}: want soft or soft:hard, got "${value}"`);
    return ulimit(name, Number(match[1]), Number(match[2] ?? match[1]));
  },
  (value, name) => {
    if (!isObject(value)) throw invalid(`want {"Soft": 1024, "Hard": 2048}, got ${JSON.stringify(value)}`);
    // Go reads JSON keys in any case, and many a daemon.json relies on it.
    const folded = Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toLowerCase(), item]));
    return ulimit(name, Number(folded.soft ?? 0), Number(folded.hard ?? 0));
  },
);

/** `--add-runtime crun=/usr/bin/crun`, `"runtimes": {"crun": {"path": "/usr/bin/crun"}}`. */
export const runtimes: Kind<Record<string, Runtime>> = map<Runtime>(
  'runtime',
  (name, path) => {
    unreserved(name);
    if (path === '') throw invalid(`runtime ${name}: the path is empty`);
    return { path, runtimeArgs: [], options: {} };
  },
  (value, name) => {
    unreserved(name);
    if (!isObject(value)) throw invalid(`want {"path": "/usr/bin/crun"}, got ${JSON.stringify(value)}`);
    const { path, runtimeType, runtimeArgs = [], options = {} } = value;
    if ((path === undefined) === (runtimeType === undefined)) {
      throw invalid('want either "path" or "runtimeType"');
    }
    const texts = [path ?? '', runtimeType ?? '', ...(Array.isArray(runtimeArgs) ? runtimeArgs : [null])];
    if (!texts.every((item) => typeof item === 'string') || !isObject(options)) {
      throw invalid(
        `want "path", "runtimeType" and each of "runtimeArgs" as text, got ${JSON.stringify(value)}`,
      );
    }
    return {
      path: path as string | undefined,
      runtimeType: runtimeType as string | undefined,
      runtimeArgs: runtimeArgs as string[],
      options,
    };
  },
);

function unreserved(name: string): void {
  if (name === 'runc') throw invalid("runtime name 'runc' is reserved");
}
