/** `--device` and the devices of a privileged container. */

import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { type BridgeportError, invalid } from '../../base/errors.ts';
import type { DeviceMapping } from '../../base/wire/index.ts';
import type { OciDevice, OciDeviceRule } from './oci.ts';
import { deviceNumbers } from './resources.ts';

export interface ResolvedDevices {
  devices: OciDevice[];
  rules: OciDeviceRule[];
}

const PERMISSIONS = /^[rwm]{1,3}$/;

/** A path that is a folder stands for all devices below it. Throws `invalid` naming the path when it is neither. */
export function resolveDevices(mappings: readonly DeviceMapping[]): ResolvedDevices {
  const result: ResolvedDevices = { devices: [], rules: [] };
  for (const mapping of mappings) {
    const access = mapping.CgroupPermissions || 'rwm';
    if (!PERMISSIONS.test(access))
      throw invalid(`invalid device mode "${access}" for "${mapping.PathOnHost}"`);
    const inside = mapping.PathInContainer || mapping.PathOnHost;
    let stat: Stats;
    try {
      stat = statSync(mapping.PathOnHost);
    } catch (cause) {
      throw invalid(
        `error gathering device information while adding custom device "${mapping.PathOnHost}": no such file or directory`,
        { cause },
      );
    }
    if (stat.isDirectory()) {
      const below = devicesBelow(mapping.PathOnHost);
      if (below.length === 0) throw notADevice(mapping.PathOnHost);
      for (const device of below) {
        add(result, { ...device, path: join(inside, device.path.slice(mapping.PathOnHost.length)) }, access);
      }
      continue;
    }
    const device = deviceOf(mapping.PathOnHost, stat);
    if (device === undefined) throw notADevice(mapping.PathOnHost);
    add(result, { ...device, path: inside }, access);
  }
  return result;
}

function notADevice(path: string): BridgeportError {
  return invalid(
    `error gathering device information while adding custom device "${path}": not a device node`,
  );
}

/** `c 1:3 rwm`, as `--device-cgroup-rule` takes it. */
export function parseDeviceRule(text: string): OciDeviceRule {
  const match = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null) throw invalid(`invalid device cgroup rule format: '${text}'`);
  const [, type, major, minor, access] = match as unknown as [string, string, string, string, string];
  return {
    allow: true,
    type,
    ...(major === '*' ? {} : { major: Number(major) }),
    ...(minor === '*' ? {} : { minor: Number(minor) }),
    access,
  };
}

/** Every device node of the host but terminals and what the container gets of its own. */
export function hostDevices(): OciDevice[] {
  return devicesBelow('/dev');
}

const OWN_FOLDERS = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev']);

function devicesBelow(folder: string): OciDevice[] {
  const devices: OciDevice[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!OWN_FOLDERS.has(entry.name)) devices.push(...devicesBelow(path));
    } else if (entry.name !== 'console' && !entry.isSymbolicLink()) {
      const device = deviceOf(path, lstatSync(path));
      if (device !== undefined) devices.push(device);
    }
  }
  return devices;
}

function deviceOf(path: string, stat: Stats): OciDevice | undefined {
  const type = stat.isCharacterDevice() ? 'c' : stat.isBlockDevice() ? 'b' : undefined;
  if (type === undefined) return undefined;
  return {
    path,
    type,
    ...deviceNumbers(stat.rdev),
    fileMode: stat.mode & 0o777,
    uid: stat.uid,
    gid: stat.gid,
  };
}

function add(result: ResolvedDevices, device: OciDevice, access: string): void {
  result.devices.push(device);
  result.rules.push({ allow: true, type: device.type, major: device.major, minor: device.minor, access });
}
