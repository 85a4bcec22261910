/**
 * `POST /containers/create` from clients of any age, brought to the form of the newest: fields that came later are not
 * believed from older clients, and places that have moved are moved.
 */

import { invalid } from '../../base/errors.ts';
import { isUserDefined } from '../../base/network-mode.ts';
import type {
  ContainerCreateBody,
  EndpointSettings,
  HostConfig,
  MountRequest,
  PortBinding,
} from '../../base/wire/index.ts';

type Host = Partial<HostConfig>;
type Endpoints = Record<string, EndpointSettings>;

/** `body` is the caller's own, fresh from the decoder, and is changed in place. */
export function adaptCreate(
  version: number,
  body: ContainerCreateBody,
): { body: ContainerCreateBody; warnings: string[] } {
  body.HostConfig ??= {};
  const host = body.HostConfig;
  const endpoints: Endpoints = body.NetworkingConfig?.EndpointsConfig ?? {};
  body.NetworkingConfig = { EndpointsConfig: endpoints };
  nameDefaultNetwork(host, endpoints);
  forgetLaterFields(version, body, host, endpoints);
  checkMounts(version, host.Mounts ?? []);
  if (version < 44 && Object.keys(endpoints).length > 1) {
    throw invalid(
      `Container cannot be created with multiple network endpoints: ${Object.keys(endpoints).join(', ')}`,
    );
  }
  const warnings = moveMacAddress(version, body, host, endpoints);
  fillPortBindings(host);
  // 0 and below is how clients say "unlimited"
  if (typeof host.PidsLimit === 'number' && host.PidsLimit <= 0) host.PidsLimit = null;
  return { body, warnings };
}

/** "default" is whatever the platform's default network is; here the bridge. */
function nameDefaultNetwork(host: Host, endpoints: Endpoints): void {
  if (host.NetworkMode !== undefined && host.NetworkMode !== '' && host.NetworkMode !== 'default') return;
  host.NetworkMode = 'bridge';
  if (endpoints.default === undefined) return;
  endpoints.bridge = endpoints.default;
  delete endpoints.default;
}

function forgetLaterFields(
  version: number,
  body: ContainerCreateBody,
  host: Host,
  endpoints: Endpoints,
): void {
  if (version < 40) {
    for (const mount of host.Mounts ?? []) delete mount.BindOptions?.NonRecursive;
    // the default before 1.40
    if (!host.IpcMode) host.IpcMode = 'shareable';
  }
  // the default before 1.41
  if (version < 41 && !host.CgroupnsMode) host.CgroupnsMode = 'host';
  if (version < 42) {
    for (const mount of host.Mounts ?? []) {
      delete mount.BindOptions?.CreateMountpoint;
      if (mount.Type !== 'volume') delete mount.VolumeOptions;
      if (mount.Type !== 'tmpfs') delete mount.TmpfsOptions;
    }
    delete host.ConsoleSize;
  }
  if (version < 43) delete host.Annotations;
  if (version < 44) delete body.Healthcheck?.StartInterval;
  if (version < 48) for (const endpoint of Object.values(endpoints)) delete endpoint.GwPriority;
}

/** Options that belong to another type of mount, and those that an older API does not have. */
function checkMounts(version: number, mounts: MountRequest[]): void {
  for (const mount of mounts) {
    const refuse = (options: string) => {
      throw invalid(`${options} must not be specified on mount type ${JSON.stringify(mount.Type)}`);
    };
    if (version >= 42) {
      if (mount.VolumeOptions && mount.Type !== 'volume') refuse('VolumeOptions');
      if (mount.BindOptions && mount.Type !== 'bind') refuse('BindOptions');
      if (mount.TmpfsOptions && mount.Type !== 'tmpfs') refuse('TmpfsOptions');
    }
    if (version < 44 && mount.BindOptions?.ReadOnlyForceRecursive) {
      throw invalid('BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer');
    }
    if (version < 44 && mount.Type === 'bind' && mount.ReadOnly) {
      // read-only was never recursive before 1.44
      mount.BindOptions = { ...mount.BindOptions, ReadOnlyNonRecursive: true };
    }
    if (version < 45 && mount.VolumeOptions?.Subpath)
      throw invalid('VolumeOptions.Subpath needs API v1.45 or newer');
    if (version < 48 && mount.Type === 'image') throw invalid('Mount type "Image" needs API v1.48 or newer');
  }
}

/** The MAC address was the container's before 1.44 and is the endpoint's since. */
function moveMacAddress(
  version: number,
  body: ContainerCreateBody,
  host: Host,
  endpoints: Endpoints,
): string[] {
  const mac = body.MacAddress ?? '';
  const mode = host.NetworkMode ?? '';
  const hasOwnMac = mode === 'bridge' || isUserDefined(mode);
  if (version < 44) {
    for (const endpoint of Object.values(endpoints)) delete endpoint.MacAddress;
    if (mac === '') return [];
    if (!hasOwnMac) throw invalid('conflicting options: mac-address and the network mode');
    mainEndpoint(version, mode, endpoints).MacAddress = mac;
    return [];
  }
  if (mac === '') return [];
  if (hasOwnMac) {
    const endpoint = mainEndpoint(version, mode, endpoints);
    if (endpoint.MacAddress && endpoint.MacAddress.toLowerCase() !== mac.toLowerCase()) {
      throw invalid(
        'the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty',
      );
    }
    endpoint.MacAddress = mac;
  }
  return [
    'The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.',
  ];
}

/** The settings for the network that `NetworkMode` names; made when there are none at all. */
function mainEndpoint(version: number, mode: string, endpoints: Endpoints): EndpointSettings {
  const names = Object.keys(endpoints);
  if (names.length === 0) endpoints[mode] = {};
  const name = version < 44 && names.length > 0 ? names[0]! : mode;
  const endpoint = endpoints[name];
  if (endpoint === undefined) {
    throw invalid('HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks');
  }
  return endpoint;
}

/** A port without bindings is published on any host port. */
function fillPortBindings(host: Host): void {
  for (const [port, bindings] of Object.entries(host.PortBindings ?? {})) {
    if (bindings !== null && bindings.length > 0) continue;
    const anyPort: PortBinding = { HostIp: '', HostPort: '' };
    host.PortBindings![port] = [anyPort];
  }
}
