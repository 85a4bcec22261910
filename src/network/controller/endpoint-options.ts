/** Options of an endpoint: the name of its interface, settings and further addresses of it. Pure; the words are Docker's. */

import { invalid } from '../../base/errors.ts';
import { MAX_IFNAME_LENGTH } from '../../base/ids.ts';
import { Ip, isIp } from '../../base/ip.ts';
import { Prefix } from '../../base/prefix.ts';

const IFNAME = 'com.docker.network.endpoint.ifname';
const SYSCTLS = 'com.docker.network.endpoint.sysctls';

/** `net.X.Y.IFNAME.Z`: `IFNAME` stands for the interface; docker's command line writes it in lower case. */
const SETTING = /^net\.(?:ipv4|ipv6|mpls)\.[a-z0-9_]+\.(?:IFNAME|ifname)(?:\.[a-z0-9_]+)+$/;
const PLACE_OF_INTERFACE = 3;

/** What the user wants the interface inside to be called; undefined: the next free name. */
export function wantedInterfaceName(options: Readonly<Record<string, string>>): string | undefined {
  const name = options[IFNAME];
  return name === '' ? undefined : name;
}

/** Settings below /proc/sys for an interface of this name, with slashes: an interface's name may hold dots. Throws `invalid`. */
export function endpointSysctls(
  options: Readonly<Record<string, string>>,
  ifname: string,
): Array<{ name: string; value: string }> {
  const text = options[SYSCTLS] ?? '';
  if (text === '') return [];
  return text.split(',').map((entry) => {
    const at = entry.indexOf('=');
    const name = entry.slice(0, at);
    if (at < 0 || !SETTING.test(name)) {
      throw invalid(
        `unrecognised network interface sysctl '${entry}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
      );
    }
    const parts = name.split('.').map((part, index) => (index === PLACE_OF_INTERFACE ? ifname : part));
    return { name: parts.join('/'), value: entry.slice(at + 1) };
  });
}

/** Do the settings leave the interface without IPv6? Then it needs no address that it could not have. */
export function turnsIPv6Off(options: Readonly<Record<string, string>>, ifname: string): boolean {
  const setting = `net/ipv6/conf/${ifname}/disable_ipv6`;
  return endpointSysctls(options, ifname).some(({ name, value }) => name === setting && value === '1');
}

/** What is wrong with the driver options of an endpoint, as a line per finding. */
export function endpointOptionFindings(options: Readonly<Record<string, string>>): string[] {
  const findings: string[] = [];
  const name = wantedInterfaceName(options);
  if (
    name !== undefined &&
    (name.length > MAX_IFNAME_LENGTH || !/^[A-Za-z0-9][\w.-]*$/.test(name) || name === 'lo')
  ) {
    findings.push(
      `invalid interface name "${name}": at most ${MAX_IFNAME_LENGTH} letters, digits, "_", "-" and "."`,
    );
  }
  try {
    endpointSysctls(options, 'eth0');
  } catch (error) {
    findings.push((error as Error).message);
  }
  return findings;
}

/** IPv4 (RFC 3927) and IPv6 (RFC 4291, 2.5.6). */
const LINK_LOCAL = [Prefix.parse('169.254.0.0/16'), Prefix.parse('fe80::/64')];

/** `--link-local-ip`: further addresses of the interface. Those that are none are left out: see `linkLocalFindings()`. */
export function linkLocalAddresses(
  texts: readonly string[],
): Array<{ address: string; prefixLength: number }> {
  return texts
    .filter((text) => isIp(text))
    .flatMap((text) => {
      const address = Ip.parse(text);
      const prefix = LINK_LOCAL.find((candidate) => candidate.contains(address));
      return prefix === undefined ? [] : [{ address: address.toString(), prefixLength: prefix.length }];
    });
}

/** What is wrong with addresses that should be link-local, as a line per finding. */
export function linkLocalFindings(texts: readonly string[]): string[] {
  return texts
    .filter((text) => linkLocalAddresses([text]).length === 0)
    .map((text) => `invalid link-local IP address: ${text}`);
}
