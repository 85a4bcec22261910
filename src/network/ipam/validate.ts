/** Checks of the subnets that a user asks for, with Docker's words for what is wrong. */

import { BridgeportError, invalid } from '../../base/errors.ts';
import { Ip } from '../../base/ip.ts';
import { type InterfaceAddress, Prefix, parseInterfaceAddress } from '../../base/prefix.ts';
import type { SubnetSpec } from '../model/network.ts';

/** Throws one `invalid` that names everything that is wrong: `invalid network config:` and a line per finding. */
export function validateSubnets(specs: readonly SubnetSpec[]): void {
  const findings = specs.flatMap(findingsOf);
  if (findings.length > 0) throw invalid(`invalid network config:\n${findings.join('\n')}`);
}

/**
 * Throws `forbidden` for a gateway that is the address of the network itself (in IPv6 that of whichever router answers, RFC 4291, 2.6.1)
 * or its broadcast address. The subnets are valid otherwise.
 */
export function refuseReservedGateways(specs: readonly SubnetSpec[]): void {
  for (const { subnet, gateway } of specs) {
    if (gateway === undefined) continue;
    const prefix = Prefix.parse(subnet);
    const ip = Ip.parse(gateway);
    const isFirst = ip.equals(prefix.first) && (prefix.family === 6 || prefix.length < 31);
    if (isFirst || (prefix.broadcast !== undefined && ip.equals(prefix.broadcast))) {
      throw new BridgeportError('forbidden', `failed to allocate gateway (${ip}): Address already in use`);
    }
  }
}

function findingsOf(spec: SubnetSpec): string[] {
  const block = readBlock(spec.subnet);
  if (block === undefined) return [`invalid subnet ${spec.subnet}: invalid CIDR block notation`];
  const { address, prefix } = block;
  const findings: string[] = [];
  if (!address.equals(prefix.address)) {
    findings.push(`invalid subnet ${address}/${prefix.length}: it should be ${prefix}`);
  }
  if (spec.ipRange !== undefined) findings.push(...findingsOfRange(spec.ipRange, prefix));
  for (const [what, text] of [
    [`gateway ${spec.gateway}`, spec.gateway] as const,
    ...Object.entries(spec.auxAddresses ?? {}).map(
      ([name, aux]) => [`auxiliary address ${name}`, aux] as const,
    ),
  ]) {
    if (text === undefined) continue;
    const ip = Ip.tryParse(text);
    if (ip === undefined) findings.push(`invalid ${what}: invalid address`);
    else if (ip.family !== prefix.family) {
      findings.push(`invalid ${what}: parent subnet is an IPv${prefix.family} block`);
    } else if (!prefix.contains(ip)) {
      findings.push(`invalid ${what}: parent subnet ${prefix} doesn't contain this address`);
    }
  }
  return findings;
}

function findingsOfRange(text: string, subnet: Prefix): string[] {
  const block = readBlock(text);
  if (block === undefined) return [`invalid ip-range ${text}: invalid CIDR block notation`];
  const { address, prefix: range } = block;
  const given = `${address}/${range.length}`;
  if (range.family !== subnet.family) {
    return [`invalid ip-range ${given}: parent subnet is an IPv${subnet.family} block`];
  }
  const findings: string[] = [];
  if (range.length < subnet.length) {
    findings.push(`invalid ip-range ${given}: CIDR block is bigger than its parent subnet ${subnet}`);
  }
  if (!address.equals(range.address)) findings.push(`invalid ip-range ${given}: it should be ${range}`);
  if (!subnet.overlaps(range)) {
    findings.push(`invalid ip-range ${given}: parent subnet ${subnet} doesn't contain ip-range`);
  }
  return findings;
}

/** With the address as it was given: bits may be set in it that are the host's. */
function readBlock(text: string): InterfaceAddress | undefined {
  try {
    return parseInterfaceAddress(text);
  } catch {
    return undefined;
  }
}
