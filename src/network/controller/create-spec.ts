/** `docker network create`: from what the client sends to a `NetworkSpec` without subnets chosen yet. Pure; the words are Docker's. */

import { BridgeportError, invalid, notFound, notImplemented } from '../../base/errors.ts';
import { Prefix } from '../../base/prefix.ts';
import type { NetworkCreateBody } from '../../base/wire/index.ts';
import { advertiseOptions } from '../drivers/advertise-options.ts';
import type { NetworkDriver } from '../drivers/driver.ts';
import { flagOption } from '../drivers/options.ts';
import { refuseReservedGateways, validateSubnets } from '../ipam/index.ts';
import type { NetworkSpec, SubnetSpec } from '../model/index.ts';

const OPTION = {
  enableV4: 'com.docker.network.enable_ipv4',
  enableV6: 'com.docker.network.enable_ipv6',
} as const;

/** A network's name goes into commands and rules: Docker's own pattern. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const PREDEFINED = new Set(['bridge', 'host', 'none', 'default']);

export interface SpecInput {
  body: NetworkCreateBody;
  id: string;
  createdAt: string;
  /** The daemon's `--mtu` and `--ip`. */
  mtu: number;
  hostBinding: string;
  /** `--default-network-opt`, by the driver's name. */
  defaultOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Undefined for names of drivers that are not there. */
  driver: (name: string) => NetworkDriver | undefined;
}

/** Subnets that the user gave are checked; families without one have none yet. */
export function createSpec(input: SpecInput): NetworkSpec {
  const { body, id } = input;
  const name = body.Name ?? '';
  if (name.trim() === '') throw invalid('invalid name: name is empty');
  if (PREDEFINED.has(name)) {
    throw new BridgeportError('forbidden', `operation is not permitted on predefined ${name} network`);
  }
  if (!NAME.test(name)) throw invalid(`invalid name "${name}": only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  const driver = driverOf(input);
  const options = { ...defaultOptions(input, driver.name), ...body.Options };
  const enableIPv4 = flagOption(options, OPTION.enableV4, body.EnableIPv4 ?? true);
  const enableIPv6 = flagOption(options, OPTION.enableV6, body.EnableIPv6 ?? false);
  if (!enableIPv4 && !enableIPv6) throw invalid('IPv4 or IPv6 must be enabled');
  // An IPv6 subnet that comes without `--ipv6` is passed over, as it is by Docker: many a compose file has one.
  const subnets = subnetsOf(body).filter(({ subnet }) => enableIPv6 || !subnet.includes(':'));
  validateSubnets(subnets);
  refuseReservedGateways(subnets);
  if (!enableIPv4) {
    const found = subnets.find(({ subnet }) => Prefix.parse(subnet).family === 4);
    if (found !== undefined) {
      throw invalid(`IPv4 subnet ${found.subnet} on a network with IPv4 disabled`);
    }
  }
  const internal = body.Internal ?? false;
  const advertise = advertiseOptions(options);
  return {
    id,
    name,
    driver: driver.name,
    createdAt: input.createdAt,
    internal,
    attachable: body.Attachable ?? false,
    enableIPv4,
    enableIPv6,
    ipam: { driver: body.IPAM?.Driver || 'default', options: { ...body.IPAM?.Options }, subnets },
    ...driver.validate({ ...input, options, internal, enableIPv6 }),
    ...(advertise === undefined ? {} : { advertise }),
    options,
    labels: { ...body.Labels },
  };
}

/** A family that is asked for by its own flag is not a matter of options. */
function defaultOptions({ body, defaultOptions }: SpecInput, driver: string): Record<string, string> {
  const options = { ...defaultOptions[driver] };
  if (body.EnableIPv4 != null) delete options[OPTION.enableV4];
  if (body.EnableIPv6 != null) delete options[OPTION.enableV6];
  return options;
}

function driverOf({ body, driver: find }: SpecInput): NetworkDriver {
  const name = body.Driver || 'bridge';
  if (name === 'host' || name === 'null') {
    throw new BridgeportError('forbidden', `only one instance of "${name}" network is allowed`);
  }
  if (name === 'overlay') throw notImplemented(`network driver "${name}"`);
  const driver = find(name);
  if (driver === undefined) throw notFound(`plugin "${name}" not found`);
  if (body.Scope === 'swarm') {
    throw new BridgeportError('forbidden', 'cannot create a swarm scoped network when swarm is not active');
  }
  if (body.Scope && body.Scope !== 'local') throw notImplemented(`a network of scope "${body.Scope}"`);
  if (body.Ingress) throw notImplemented('an ingress network');
  if (body.ConfigOnly) throw notImplemented('a config-only network');
  // Without networks of that kind there is none to take a configuration from.
  const source = body.ConfigFrom?.Network;
  if (source) throw notFound(`network ${source} not found`);
  const ipamDriver = body.IPAM?.Driver || 'default';
  if (ipamDriver !== 'default') throw notFound(`plugin "${ipamDriver}" not found`);
  return driver;
}

function subnetsOf(body: NetworkCreateBody): SubnetSpec[] {
  return (body.IPAM?.Config ?? []).flatMap((config) => {
    if (!config.Subnet) {
      if (config.Gateway || config.IPRange)
        throw invalid('every ip-range or gateway must have a corresponding subnet');
      return [];
    }
    const aux = config.AuxiliaryAddresses ?? {};
    return [
      {
        subnet: config.Subnet,
        ...(config.Gateway ? { gateway: config.Gateway } : {}),
        ...(config.IPRange ? { ipRange: config.IPRange } : {}),
        ...(Object.keys(aux).length > 0 ? { auxAddresses: { ...aux } } : {}),
      },
    ];
  });
}
