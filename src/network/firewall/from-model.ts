/** From desired state to intent. */

import { invalid } from '../../base/errors.ts';
import { Prefix } from '../../base/prefix.ts';
import type { Link, NetworkSpec, PortMapping } from '../model/index.ts';
import type { NetworkFamilyIntent, NetworkIntent } from './intent.ts';

/** The part of the intent that one bridge network asks for. Throws `invalid` for networks of other drivers. */
export function networkIntent(
  spec: NetworkSpec,
  ports: readonly PortMapping[],
  links: readonly Link[],
): NetworkIntent {
  const { bridge } = spec;
  if (bridge === undefined)
    throw invalid(`firewall network ${spec.name}: driver ${spec.driver} has no bridge`);
  const subnets = spec.ipam.subnets.map(({ subnet }) => Prefix.parse(subnet));
  const part = (family: 4 | 6, mode: NetworkFamilyIntent['mode'], snatTo: string | undefined) => {
    const own = subnets.filter((subnet) => subnet.family === family).map(String);
    return own.length === 0 ? undefined : { subnets: own, mode, ...(snatTo === undefined ? {} : { snatTo }) };
  };
  const v4 = part(4, bridge.gatewayModeV4, bridge.hostV4);
  const v6 = part(6, bridge.gatewayModeV6, bridge.hostV6);
  return {
    id: spec.id,
    name: spec.name,
    bridge: bridge.name,
    internal: spec.internal,
    icc: bridge.icc,
    masquerade: bridge.masquerade,
    ...(bridge.trustedHostInterfaces === undefined
      ? {}
      : { trustedHostInterfaces: bridge.trustedHostInterfaces }),
    ...(v4 === undefined ? {} : { v4 }),
    ...(v6 === undefined ? {} : { v6 }),
    ports,
    links,
  };
}
