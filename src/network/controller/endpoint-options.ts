/** Driver options of an endpoint: the name of its interface, and settings of that interface. Pure; the words are Docker's. */

import { invalid } from '../../base/errors.ts';
import { MAX_IFNAME_LENGTH } from '../../base/ids.ts';

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
