import { resolve } from 'node:path';
import { csvFields, cut } from './csv.ts';
import { parseBool } from './flag.ts';
import { ramInBytes } from './size.ts';

/** A mount as the API's `HostConfig.Mounts` holds it. */
export interface Mount {
  Type: string;
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: {
    Propagation?: string;
    NonRecursive?: boolean;
    ReadOnlyNonRecursive?: boolean;
    ReadOnlyForceRecursive?: boolean;
  };
  VolumeOptions?: {
    NoCopy?: boolean;
    Labels?: Record<string, string>;
    Subpath?: string;
    DriverConfig?: { Name?: string; Options?: Record<string, string> };
  };
  ImageOptions?: { Subpath?: string };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
}

/** Keys that may stand without a value. */
const SWITCHES = new Set(['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive']);

/**
 * One `--mount` value: comma separated `key=value` fields.
 *
 * Throws an `Error` in the words of the `docker` command line: `target is required`,
 * `unexpected key 'foo' in 'foo=bar'`, `cannot mix 'bind-*' options with mount type 'volume'`.
 */
export function parseMount(value: string): Mount {
  const mount: Mount = { Type: 'volume' };
  for (const field of csvFields(value)) {
    const [rawKey, given] = cut(field);
    const key = rawKey.toLowerCase();
    if (given === undefined && !SWITCHES.has(key)) {
      throw new Error(`invalid field '${field}' must be a key=value pair`);
    }
    setField(mount, key, given ?? 'true', field);
  }
  return checked(mount);
}

function setField(mount: Mount, key: string, value: string, field: string): void {
  switch (key) {
    case 'type':
      mount.Type = value.toLowerCase();
      break;
    case 'source':
    case 'src':
      mount.Source = value.startsWith('.') ? resolve(value) : value;
      break;
    case 'target':
    case 'dst':
    case 'destination':
      mount.Target = value;
      break;
    case 'readonly':
    case 'ro':
      mount.ReadOnly = toBool(key, value);
      break;
    case 'consistency':
      mount.Consistency = value.toLowerCase();
      break;
    default:
      if (key.startsWith('bind-')) setBind(mount, key, value, field);
      else if (key.startsWith('volume-')) setVolume(mount, key, value, field);
      else if (key === 'image-subpath') mount.ImageOptions = { Subpath: value };
      else if (key.startsWith('tmpfs-')) setTmpfs(mount, key, value, field);
      else throw unexpected(key, field);
  }
}

function setBind(mount: Mount, key: string, value: string, field: string): void {
  mount.BindOptions ??= {};
  const options = mount.BindOptions;
  if (key === 'bind-propagation') options.Propagation = value.toLowerCase();
  else if (key === 'bind-nonrecursive') options.NonRecursive = toBool(key, value);
  else if (key !== 'bind-recursive') throw unexpected(key, field);
  else if (value === 'disabled') options.NonRecursive = true;
  else if (value === 'writable') options.ReadOnlyNonRecursive = true;
  else if (value === 'readonly') options.ReadOnlyForceRecursive = true;
  else if (value !== 'enabled') {
    const allowed = '(must be "enabled", "disabled", "writable", or "readonly")';
    throw new Error(`invalid value for ${key}: ${value} ${allowed}`);
  }
}

function setVolume(mount: Mount, key: string, value: string, field: string): void {
  mount.VolumeOptions ??= { Labels: {}, DriverConfig: {} };
  const options = mount.VolumeOptions;
  const [name, setting = ''] = cut(value);
  if (key === 'volume-nocopy') options.NoCopy = toBool(key, value);
  else if (key === 'volume-subpath') options.Subpath = value;
  else if (key === 'volume-label') {
    if (name !== '') options.Labels![name] = setting;
  } else if (key === 'volume-driver') options.DriverConfig!.Name = value;
  else if (key === 'volume-opt') {
    options.DriverConfig!.Options ??= {};
    if (name !== '') options.DriverConfig!.Options[name] = setting;
  } else throw unexpected(key, field);
}

function setTmpfs(mount: Mount, key: string, value: string, field: string): void {
  mount.TmpfsOptions ??= {};
  if (key === 'tmpfs-size') {
    try {
      mount.TmpfsOptions.SizeBytes = ramInBytes(value);
    } catch {
      throw new Error(`invalid value for ${key}: ${value}`);
    }
  } else if (key === 'tmpfs-mode') {
    if (!/^[0-7]+$/.test(value)) throw new Error(`invalid value for ${key}: ${value}`);
    mount.TmpfsOptions.Mode = Number.parseInt(value, 8);
  } else throw unexpected(key, field);
}

function checked(mount: Mount): Mount {
  if (mount.Type === '') throw new Error('type is required');
  if (!mount.Target) throw new Error('target is required');
  const mixed = (kind: string) => new Error(`cannot mix '${kind}-*' options with mount type '${mount.Type}'`);
  if (mount.VolumeOptions && mount.Type !== 'volume') throw mixed('volume');
  if (mount.ImageOptions && mount.Type !== 'image') throw mixed('image');
  if (mount.BindOptions && mount.Type !== 'bind') throw mixed('bind');
  if (mount.TmpfsOptions && mount.Type !== 'tmpfs') throw mixed('tmpfs');
  const bind = mount.BindOptions;
  const needs = (recursive: string, other: string) =>
    new Error(`option 'bind-recursive=${recursive}' requires '${other}' to be specified in conjunction`);
  if (bind?.ReadOnlyNonRecursive && !mount.ReadOnly) throw needs('writable', 'readonly');
  if (bind?.ReadOnlyForceRecursive) {
    if (!mount.ReadOnly) throw needs('readonly', 'readonly');
    if (bind.Propagation !== 'rprivate') throw needs('readonly', 'bind-propagation=rprivate');
  }
  return mount;
}

function toBool(key: string, value: string): boolean {
  try {
    return parseBool(value);
  } catch {
    throw new Error(`invalid value for ${key}: ${value}`);
  }
}

const unexpected = (key: string, field: string) => new Error(`unexpected key '${key}' in '${field}'`);
