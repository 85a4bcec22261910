/** cgroup limits and the restart policy: what `create` and `update` have in common. */

import type {
  ContainerUpdateBody,
  DeviceMapping,
  Resources,
  RestartPolicy,
  ThrottleDevice,
  Ulimit,
  WeightDevice,
} from '../../base/wire/index.ts';
import {
  anything,
  array,
  bool,
  filled,
  int64,
  type Members,
  nullable,
  oneOf,
  string,
  struct,
  uint16,
  uint64,
} from '../decode.ts';

const deviceMapping = struct<DeviceMapping>('DeviceMapping', {
  PathOnHost: filled(string),
  PathInContainer: filled(string),
  CgroupPermissions: filled(string),
});

const throttleDevice = struct<ThrottleDevice>('ThrottleDevice', {
  Path: filled(string),
  Rate: filled(uint64),
});
const weightDevice = struct<WeightDevice>('WeightDevice', { Path: filled(string), Weight: filled(uint16) });
export const ulimit = struct<Ulimit>('Ulimit', {
  Name: filled(string),
  Soft: filled(int64),
  Hard: filled(int64),
});

export const restartPolicy = struct<RestartPolicy>('RestartPolicy', {
  Name: filled(
    oneOf(
      ['', 'no', 'always', 'unless-stopped', 'on-failure'],
      (name) =>
        `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    ),
  ),
  MaximumRetryCount: filled(int64),
});

export const resourceMembers: Members<Partial<Resources>> = {
  CpuShares: int64,
  Memory: int64,
  NanoCpus: int64,
  CgroupParent: string,
  BlkioWeight: uint16,
  BlkioWeightDevice: nullable(array(weightDevice)),
  BlkioDeviceReadBps: nullable(array(throttleDevice)),
  BlkioDeviceWriteBps: nullable(array(throttleDevice)),
  BlkioDeviceReadIOps: nullable(array(throttleDevice)),
  BlkioDeviceWriteIOps: nullable(array(throttleDevice)),
  CpuPeriod: int64,
  CpuQuota: int64,
  CpuRealtimePeriod: int64,
  CpuRealtimeRuntime: int64,
  CpusetCpus: string,
  CpusetMems: string,
  Devices: nullable(array(deviceMapping)),
  DeviceCgroupRules: nullable(array(string)),
  DeviceRequests: nullable(array(anything)),
  MemoryReservation: int64,
  MemorySwap: int64,
  MemorySwappiness: nullable(int64),
  OomKillDisable: nullable(bool),
  PidsLimit: nullable(int64),
  Ulimits: nullable(array(ulimit)),
};

export const containerUpdateBody = struct<ContainerUpdateBody>('UpdateConfig', {
  ...resourceMembers,
  RestartPolicy: restartPolicy,
});
