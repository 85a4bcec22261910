/** Command lines that put right what a check has found, to be pasted into a shell of root on the host. Pure. */

import { shellCommand } from '../../base/shell.ts';
import type { EndpointAddress, NetworkSpec } from '../../network/model/index.ts';
import type { TopologyContainer } from '../topology/records.ts';
import type { Snapshot } from './snapshot.ts';
import { type BridgedNetwork, members } from './view.ts';

/** @param setting `net/ipv4/ip_forward`; written with dots where no interface's name has one (sysctl(8)) */
export function setSysctl(setting: string, value: string | number): string {
  const name = setting.includes('.') ? setting : setting.replaceAll('/', '.');
  return shellCommand('sysctl', '-w', `${name}=${value}`);
}

/** A command in the network of a container. */
export function inside({ pid, sandbox }: TopologyContainer, ...words: readonly string[]): string {
  const path = pid > 0 ? `/proc/${pid}/ns/net` : (sandbox?.path ?? '');
  return shellCommand('nsenter', `--net=${path}`, ...words);
}

export const restart = (...containers: ReadonlyArray<{ readonly name: string }>): string =>
  shellCommand('docker', 'restart', ...containers.map(({ name }) => name));

/** Gives an interface an address, also when it has it. */
export function giveAddress({ address, prefixLength }: EndpointAddress, link: string): readonly string[] {
  const kind = address.includes(':') ? ['nodad'] : ['brd', '+'];
  return ['ip', 'address', 'replace', `${address}/${prefixLength}`, ...kind, 'dev', link];
}

/** The default route through an interface, in place of any other. */
export function giveDefaultRoute({ address, gateway }: EndpointAddress, link: string): readonly string[] {
  const family = address.includes(':') ? ['-6'] : [];
  const via = gateway === undefined ? [] : ['via', gateway];
  return ['ip', ...family, 'route', 'replace', 'default', ...via, 'dev', link];
}

/**
 * Makes a network anew, with the same name, settings and members, but for `changes`; nothing for the default network, whose settings are
 * the engine's. A subnet that nobody named is chosen anew.
 */
export function recreate(
  snapshot: Snapshot,
  network: BridgedNetwork,
  changes: { readonly options?: Readonly<Record<string, string>>; readonly withoutSubnet?: string } = {},
): string[] {
  const { name, bridge } = network;
  if (bridge.isDefault) return [];
  const joined = snapshot.containers.filter(({ networkIds }) => networkIds.includes(network.id));
  return [
    ...joined.map((container) => shellCommand('docker', 'network', 'disconnect', '-f', name, container.name)),
    shellCommand('docker', 'network', 'rm', name),
    shellCommand('docker', 'network', 'create', ...creation(network, changes), name),
    ...joined.map((container) =>
      shellCommand('docker', 'network', 'connect', ...joining(container, network), name, container.name),
    ),
  ];
}

function creation(
  spec: NetworkSpec,
  { options = {}, withoutSubnet }: NonNullable<Parameters<typeof recreate>[2]>,
): string[] {
  const pairs = (flag: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${value}`]);
  const named = spec.ipam.subnets.filter(
    ({ subnet, fromPool }) => fromPool !== true && subnet !== withoutSubnet,
  );
  return [
    ...(spec.internal ? ['--internal'] : []),
    ...(spec.attachable ? ['--attachable'] : []),
    ...(spec.enableIPv4 ? [] : ['--ipv4=false']),
    ...(spec.enableIPv6 ? ['--ipv6'] : []),
    ...named.flatMap(({ subnet, gateway, ipRange, auxAddresses = {} }) => [
      ...['--subnet', subnet],
      ...(gateway === undefined ? [] : ['--gateway', gateway]),
      ...(ipRange === undefined ? [] : ['--ip-range', ipRange]),
      ...pairs('--aux-address', auxAddresses),
    ]),
    ...pairs('-o', { ...spec.options, ...options }),
    ...pairs('--label', spec.labels),
  ];
}

function joining(container: TopologyContainer, { id }: NetworkSpec): string[] {
  const endpoint = container.sandbox?.endpoints.find(({ networkId }) => networkId === id);
  if (endpoint === undefined) return [];
  const { aliases, driverOptions, gatewayPriority } = endpoint;
  // Older engines tell the short id among the aliases, which they give by themselves.
  const own = [container.name, container.id.slice(0, 12)];
  return [
    ...aliases.filter((alias) => !own.includes(alias)).flatMap((alias) => ['--alias', alias]),
    ...Object.entries(driverOptions).flatMap(([key, value]) => ['--driver-opt', `${key}=${value}`]),
    ...(gatewayPriority === 0 ? [] : ['--gw-priority', String(gatewayPriority)]),
  ];
}

/** Has the engine make a bridge that is gone, and put the containers on it. */
export function remakeBridge(snapshot: Snapshot, network: BridgedNetwork): readonly string[] {
  const { repair, keepsContainers } = snapshot.engine;
  const joined = members(snapshot).filter((member) => member.network.id === network.id);
  if (keepsContainers || joined.length === 0) return repair;
  return [...repair, restart(...joined.map(({ container }) => container))];
}
