/** The body of `POST /containers/create`. */

import type {
  ContainerConfig,
  ContainerCreateBody,
  ContainerPortsBody,
  HealthConfig,
  HostConfig,
  LogConfig,
  MountRequest,
  NetworkingConfig,
} from '../../base/wire/index.ts';
import {
  array,
  bool,
  emptyObject,
  filled,
  int64,
  type Members,
  map,
  nullable,
  oneOf,
  pair,
  string,
  strings,
  struct,
  uint32,
} from '../decode.ts';
import { endpointSettings } from './network.ts';
import { foldedPortMap, foldedPortSet } from './ports.ts';
import { resourceMembers, restartPolicy } from './resources.ts';

const healthConfig = struct<HealthConfig>('HealthConfig', {
  Test: array(string),
  Interval: int64,
  Timeout: int64,
  StartPeriod: int64,
  StartInterval: int64,
  Retries: int64,
});

const configMembers: Members<Partial<ContainerConfig>> = {
  Hostname: string,
  Domainname: string,
  User: string,
  AttachStdin: bool,
  AttachStdout: bool,
  AttachStderr: bool,
  ExposedPorts: foldedPortSet,
  Tty: bool,
  OpenStdin: bool,
  StdinOnce: bool,
  Env: array(string),
  Cmd: nullable(strings),
  Healthcheck: healthConfig,
  ArgsEscaped: bool,
  Image: string,
  Volumes: nullable(map(emptyObject)),
  WorkingDir: string,
  Entrypoint: nullable(strings),
  NetworkDisabled: bool,
  MacAddress: string,
  OnBuild: nullable(array(string)),
  Labels: map(string),
  StopSignal: string,
  StopTimeout: int64,
  Shell: strings,
};

/** A configuration without anything around it: the body of `POST /commit`. */
export const containerConfig = struct<Partial<ContainerConfig>>('ContainerConfig', configMembers);

export const containerPortsBody = struct<ContainerPortsBody>('ContainerPorts', {
  PortBindings: filled(foldedPortMap),
});

const logConfig = struct<LogConfig>('LogConfig', { Type: filled(string), Config: filled(map(string)) });

const mountRequest = struct<MountRequest>('Mount', {
  Type: filled(
    oneOf(
      ['bind', 'volume', 'tmpfs', 'npipe', 'cluster', 'image'],
      (type) => `invalid mount config for type ${JSON.stringify(type)}: mount type unknown`,
    ),
  ),
  Source: string,
  Target: filled(string),
  ReadOnly: bool,
  Consistency: string,
  BindOptions: struct<NonNullable<MountRequest['BindOptions']>>('BindOptions', {
    Propagation: string,
    NonRecursive: bool,
    CreateMountpoint: bool,
    ReadOnlyNonRecursive: bool,
    ReadOnlyForceRecursive: bool,
  }),
  VolumeOptions: struct<NonNullable<MountRequest['VolumeOptions']>>('VolumeOptions', {
    NoCopy: bool,
    Labels: map(string),
    DriverConfig: struct<NonNullable<NonNullable<MountRequest['VolumeOptions']>['DriverConfig']>>('Driver', {
      Name: string,
      Options: map(string),
    }),
    Subpath: string,
  }),
  TmpfsOptions: struct<NonNullable<MountRequest['TmpfsOptions']>>('TmpfsOptions', {
    SizeBytes: int64,
    Mode: uint32,
    Options: array(array(string)),
  }),
});

const hostConfig = struct<Partial<HostConfig>>('HostConfig', {
  ...resourceMembers,
  Binds: nullable(array(string)),
  ContainerIDFile: string,
  LogConfig: logConfig,
  NetworkMode: string,
  PortBindings: nullable(foldedPortMap),
  RestartPolicy: restartPolicy,
  AutoRemove: bool,
  VolumeDriver: string,
  VolumesFrom: nullable(array(string)),
  Mounts: nullable(array(mountRequest)),
  ConsoleSize: pair,
  Annotations: map(string),
  CapAdd: nullable(strings),
  CapDrop: nullable(strings),
  CgroupnsMode: string,
  Dns: array(string),
  DnsOptions: array(string),
  DnsSearch: array(string),
  ExtraHosts: nullable(array(string)),
  GroupAdd: nullable(array(string)),
  IpcMode: string,
  Cgroup: string,
  Links: nullable(array(string)),
  OomScoreAdj: int64,
  PidMode: string,
  Privileged: bool,
  PublishAllPorts: bool,
  ReadonlyRootfs: bool,
  SecurityOpt: nullable(array(string)),
  StorageOpt: map(string),
  Tmpfs: map(string),
  UTSMode: string,
  UsernsMode: string,
  ShmSize: int64,
  Sysctls: map(string),
  Runtime: string,
  Isolation: string,
  MaskedPaths: nullable(array(string)),
  ReadonlyPaths: nullable(array(string)),
  Init: nullable(bool),
});

const networkingConfig = struct<NetworkingConfig>('NetworkingConfig', {
  EndpointsConfig: map(endpointSettings),
});

export const containerCreateBody = struct<ContainerCreateBody>('CreateRequest', {
  ...configMembers,
  HostConfig: hostConfig,
  NetworkingConfig: networkingConfig,
});
