/** The variables of Docker's links: `WEB_PORT_80_TCP_ADDR` and its sisters. Pure. */

export interface LinkFacts {
  /** Name of the container that has the link. */
  clientName: string;
  alias: string;
  address: string;
  /** `80/tcp` */
  exposedPorts: string[];
  /** The linked container's own environment; the daemon's defaults are left out. */
  env: string[];
}

const NOT_HANDED_ON = new Set(['HOME', 'PATH']);

export function linkEnvironment(link: LinkFacts): string[] {
  const prefix = link.alias.toUpperCase().replaceAll('-', '_');
  const ports = link.exposedPorts
    .map((port) => port.split('/') as [string, string])
    .sort(([a, protoA], [b, protoB]) => Number(a) - Number(b) || protoA.localeCompare(protoB));
  const variables: string[] = [];
  const [first] = ports;
  if (first !== undefined) variables.push(`${prefix}_PORT=${first[1]}://${link.address}:${first[0]}`);
  for (const [port, proto] of ports) {
    const name = `${prefix}_PORT_${port}_${proto.toUpperCase()}`;
    variables.push(
      `${name}=${proto}://${link.address}:${port}`,
      `${name}_ADDR=${link.address}`,
      `${name}_PORT=${port}`,
      `${name}_PROTO=${proto}`,
    );
  }
  variables.push(`${prefix}_NAME=/${link.clientName}/${link.alias}`);
  for (const variable of link.env) {
    const separator = variable.indexOf('=');
    const name = variable.slice(0, separator);
    if (separator > 0 && !NOT_HANDED_ON.has(name)) variables.push(`${prefix}_ENV_${variable}`);
  }
  return variables;
}
