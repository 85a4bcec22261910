/** What a client asks for, checked without touching anything. Pure. */

import { isIPv4, isIPv6 } from 'node:net';
import { invalid } from '../../base/errors.ts';
import { parseSignal } from '../../base/signals.ts';
import type { ContainerConfig, ContainerCreateBody, HostConfig } from '../../base/wire/index.ts';
import { checkTmpfs } from '../spec/tmpfs.ts';

/** `#define HOST_NAME_MAX 64` (linux/limits.h), bytes */
const HOST_NAME_MAX = 64;

/** What `--hostname`, `--env`, `--workdir`, `--stop-signal` and `--health-*` gave. Throws `invalid` in Docker's words. */
export function checkConfig(config: ContainerConfig): void {
  if (Buffer.byteLength(config.Hostname) > HOST_NAME_MAX) {
    throw invalid(`hostname "${config.Hostname}" is too long (maximum ${HOST_NAME_MAX} bytes)`);
  }
  // It becomes a line of files that others read by lines and words.
  if (/[\s\0]/.test(`${config.Hostname}${config.Domainname}`)) {
    throw invalid(`invalid hostname format: ${JSON.stringify(config.Hostname)}`);
  }
  for (const variable of config.Env) {
    if (variable.startsWith('=') || variable === '')
      throw invalid(`invalid environment variable: ${variable}`);
    if (variable.includes('\0')) throw invalid(`invalid environment variable: ${JSON.stringify(variable)}`);
  }
  if (config.WorkingDir !== '' && !/^\/[^\0]*$/.test(config.WorkingDir)) {
    throw invalid(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  }
  if (config.StopSignal !== undefined) parseSignal(config.StopSignal);
  const health = config.Healthcheck;
  if (health !== undefined) {
    for (const field of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
      const value = health[field] ?? 0;
      if (value !== 0 && value < 1_000_000) throw invalid(`${field} in Healthcheck cannot be less than 1ms`);
    }
    if ((health.Retries ?? 0) < 0) throw invalid('Retries in Healthcheck cannot be negative');
  }
}

/** What all other flags gave, as far as it can be said without looking at the host. Throws `invalid` in Docker's words. */
export function checkHostConfig(hostConfig: HostConfig): void {
  const { RestartPolicy: policy, AutoRemove: autoRemove } = hostConfig;
  if (!['no', 'always', 'unless-stopped', 'on-failure'].includes(policy.Name)) {
    throw invalid(
      `invalid restart policy: unknown policy '${policy.Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (policy.MaximumRetryCount < 0)
    throw invalid('invalid restart policy: maximum retry count cannot be negative');
  if (policy.MaximumRetryCount > 0 && policy.Name !== 'on-failure') {
    throw invalid("invalid restart policy: maximum retry count can only be used with 'on-failure'");
  }
  if (autoRemove && policy.Name !== 'no')
    throw invalid("can't create 'AutoRemove' container with restart policy");
  for (const address of hostConfig.Dns) {
    if (!isIPv4(address) && !isIPv6(address)) throw invalid(`invalid DNS server address "${address}"`);
  }
  for (const entry of hostConfig.ExtraHosts ?? []) {
    const separator = entry.indexOf(':');
    const address = entry.slice(separator + 1).replace(/^\[(.*)\]$/, '$1');
    if (separator <= 0 || (address !== 'host-gateway' && !isIPv4(address) && !isIPv6(address))) {
      throw invalid(`invalid IP address in add-host: "${entry}"`);
    }
  }
  checkNamespaces(hostConfig);
  checkAbsent(hostConfig);
  if (hostConfig.ShmSize < 0) throw invalid('SHM size can not be less than 0');
  if (hostConfig.OomScoreAdj < -1000 || hostConfig.OomScoreAdj > 1000) {
    throw invalid(`Invalid value ${hostConfig.OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  for (const [target, options] of Object.entries(hostConfig.Tmpfs ?? {})) checkTmpfs(target, options);
  if (hostConfig.Runtime !== 'runc' && hostConfig.Runtime !== 'io.containerd.runc.v2') {
    throw invalid(`unknown or invalid runtime name: ${hostConfig.Runtime}`);
  }
  if (!['json-file', 'local', 'none'].includes(hostConfig.LogConfig.Type)) {
    throw invalid(`logger: no log driver named '${hostConfig.LogConfig.Type}' is registered`);
  }
  for (const limit of hostConfig.Ulimits ?? []) {
    if (limit.Hard !== -1 && (limit.Soft === -1 || limit.Soft > limit.Hard)) {
      throw invalid(
        `ulimit soft limit must be less than or equal to hard limit: ${limit.Soft} > ${limit.Hard}`,
      );
    }
  }
}

/** A namespace of another kind than asked for would be less isolation than the user believes to have. */
function checkNamespaces({ IpcMode, PidMode, UTSMode, CgroupnsMode, UsernsMode }: HostConfig): void {
  const isContainer = (mode: string) => /^container:./.test(mode);
  if (!['none', 'private', 'shareable', 'host'].includes(IpcMode) && !isContainer(IpcMode)) {
    throw invalid(`invalid IPC mode: ${IpcMode}`);
  }
  if (!['', 'host'].includes(PidMode) && !isContainer(PidMode)) throw invalid(`invalid PID mode: ${PidMode}`);
  if (!['', 'host'].includes(UTSMode)) throw invalid(`invalid UTS mode: ${UTSMode}`);
  if (!['', 'host', 'private'].includes(CgroupnsMode)) {
    throw invalid(`invalid cgroup namespace mode: ${CgroupnsMode}`);
  }
  // Container ids are never remapped: the host's user namespace is what every container has.
  if (!['', 'host'].includes(UsernsMode)) throw invalid(`invalid user namespace mode: ${UsernsMode}`);
}

/** What Docker has, and this daemon or Linux has not: silence would be a lie. */
function checkAbsent(hostConfig: HostConfig): void {
  const { Isolation, StorageOpt, VolumeDriver, DeviceRequests } = hostConfig;
  if (!['', 'default'].includes(Isolation.toLowerCase())) {
    throw invalid(`invalid isolation (${Isolation}): linux only supports 'default'`);
  }
  if (Object.keys(StorageOpt ?? {}).length > 0) {
    throw invalid("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  }
  if (!['', 'local'].includes(VolumeDriver)) {
    throw invalid(`error looking up volume plugin ${VolumeDriver}: plugin "${VolumeDriver}" not found`);
  }
  const [request] = DeviceRequests ?? [];
  if (request !== undefined) {
    const { Driver: driver = '', Capabilities: capabilities } = request as {
      Driver?: string;
      Capabilities?: string[][] | null;
    };
    const words = (capabilities ?? []).map((all) => `[${all.join(' ')}]`).join(' ');
    throw invalid(`could not select device driver "${driver}" with capabilities: [${words}]`);
  }
}

/**
 * What cannot be had in a network that is not the container's own. `body` is what the user said, before the image's ports are merged in.
 * Throws `invalid` in Docker's words.
 */
export function checkNetworkMode(
  body: ContainerCreateBody,
  { NetworkMode: mode, ...host }: HostConfig,
): void {
  const refuse = (condition: boolean, what: string) => {
    if (condition) throw invalid(`conflicting options: ${what}`);
  };
  const isGiven = (value: object | null | undefined) => Object.keys(value ?? {}).length > 0;
  const undefinedBehavior = "can't be used with links. This would result in undefined behavior";
  refuse(host.UTSMode === 'host' && Boolean(body.Hostname), 'hostname and the UTS mode');
  refuse(mode === 'host' && isGiven(host.Links), `host type networking ${undefinedBehavior}`);
  if (mode === 'container' || mode === 'container:') {
    throw invalid('invalid container format container:<name|id>');
  }
  if (!mode.startsWith('container:')) return;
  refuse(Boolean(body.Hostname), 'hostname and the network mode');
  refuse(isGiven(host.Links), `container type network ${undefinedBehavior}`);
  refuse(isGiven(host.Dns), 'dns and the network mode');
  refuse(isGiven(host.ExtraHosts), 'custom host-to-IP mapping and the network mode');
  const endpoints = Object.values(body.NetworkingConfig?.EndpointsConfig ?? {});
  refuse(
    Boolean(body.MacAddress) || endpoints.some((endpoint) => endpoint.MacAddress),
    'mac-address and the network mode',
  );
  refuse(
    isGiven(host.PortBindings) || host.PublishAllPorts,
    'port publishing and the container type network mode',
  );
  refuse(isGiven(body.ExposedPorts), 'port exposing and the container type network mode');
}
