import { posix } from 'node:path';
import { cut } from './csv.ts';
import { ramInBytes } from './size.ts';

/** A device as the API's `HostConfig.Devices` holds it. */
export interface DeviceMapping {
  PathOnHost: string;
  PathInContainer: string;
  CgroupPermissions: string;
}

/** A rate limit as the API's `BlkioDevice…` lists hold it; `Rate` in bytes or operations per second. */
export interface ThrottleDevice {
  Path: string;
  Rate: number;
}

const isMode = (text: string) => /^(?!.*(.).*\1)[rwm]+$/.test(text);

/**
 * One `--device` value: `/dev/sda[:/dev/xvda[:rwm]]`.
 *
 * Throws an `Error`: `bad format for path: …`, `bad mode specified: …`, `x is not an absolute path`.
 */
export function parseDevice(value: string): DeviceMapping {
  const parts = value.split(':');
  const [host = ''] = parts;
  if (parts.length > 3 || host === '') throw new Error(`bad format for path: ${value}`);
  let inside = host;
  let mode = 'rwm';
  if (parts.length === 2) {
    if (isMode(parts[1]!)) mode = parts[1]!;
    else inside = parts[1]!;
  } else if (parts.length === 3) {
    inside = parts[1]!;
    mode = parts[2]!;
    if (!isMode(mode)) throw new Error(`bad mode specified: ${mode}`);
  }
  if (!inside.startsWith('/')) throw new Error(`${inside} is not an absolute path`);
  return { PathOnHost: host, PathInContainer: posix.normalize(inside), CgroupPermissions: mode };
}

/** One `--device-read-bps` value: `/dev/sda:1mb`. */
export function parseBytesThrottle(value: string): ThrottleDevice {
  const [path, rate] = throttle(value);
  try {
    return { Path: path, Rate: ramInBytes(rate) };
  } catch {
    throw new Error(
      `invalid rate for device: ${value}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`,
    );
  }
}

/** One `--device-read-iops` value: `/dev/sda:1000`. */
export function parseOperationsThrottle(value: string): ThrottleDevice {
  const [path, rate] = throttle(value);
  if (!/^\d+$/.test(rate)) {
    throw new Error(
      `invalid rate for device: ${value}. The correct format is <device-path>:<number>. Number must be a positive integer`,
    );
  }
  return { Path: path, Rate: Number(rate) };
}

/** One `--blkio-weight-device` value: `/dev/sda:500`. */
export function parseWeightDevice(value: string): { Path: string; Weight: number } {
  const [path, weight] = throttle(value);
  const number = Number(weight);
  if (!/^\d+$/.test(weight) || (number > 0 && (number < 10 || number > 1000))) {
    throw new Error(`invalid weight for device: ${value}`);
  }
  return { Path: path, Weight: number };
}

/** One `--device-cgroup-rule` value: `c 42:* rmw`. */
export function deviceCgroupRule(value: string): string {
  if (!/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(value)) {
    throw new Error(`invalid device cgroup format '${value}'`);
  }
  return value;
}

function throttle(value: string): [path: string, rest: string] {
  const [path, rest] = cut(value, ':');
  if (rest === undefined || path === '') throw new Error(`bad format: ${value}`);
  if (!path.startsWith('/dev/')) throw new Error(`bad format for device path: ${value}`);
  return [path, rest];
}
