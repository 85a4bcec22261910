import { isIP } from 'node:net';

/** One published port as the API's `HostConfig.PortBindings` holds it. */
export interface PortBinding {
  /** Host address; empty for every address. */
  HostIp: string;
  /** Decimal port, a range `8000-8010` to choose from, or empty for any free port. */
  HostPort: string;
}

/** What `-p` and `--expose` together ask for; keys are `80/tcp`. */
export interface PublishedPorts {
  exposed: Record<string, Record<string, never>>;
  bindings: Record<string, PortBinding[]>;
}

/**
 * Ports published by `-p` and opened by `--expose`, in the shapes of the API.
 *
 * Grammar: `[[ip:]hostPort[-end]:]containerPort[-end][/proto]`, an IPv6 address in brackets or bare, or the long form
 * `published=8080,target=80,protocol=tcp`.
 *
 * Throws an `Error` in the words of the `docker` command line.
 */
export function publishedPorts(publish: readonly string[], expose: readonly string[]): PublishedPorts {
  const result: PublishedPorts = { exposed: {}, bindings: {} };
  for (const spec of publish) {
    for (const { port, binding } of parsePortSpec(fromLongForm(spec))) {
      result.exposed[port] = {};
      result.bindings[port] = [...(result.bindings[port] ?? []), binding];
    }
  }
  for (const spec of expose) for (const port of exposedPorts(spec)) result.exposed[port] = {};
  return result;
}

/** `published=8080,target=80,protocol=udp` becomes `8080:80/udp`; everything else is returned as it is. */
function fromLongForm(spec: string): string {
  if (!spec.includes('=')) return spec;
  const fields: Record<string, string> = { protocol: 'tcp', published: '', target: '' };
  for (const field of spec.split(',')) {
    const at = field.indexOf('=');
    if (at < 1) throw new Error(`invalid publish opts format (should be name=value but got '${field}')`);
    fields[field.slice(0, at)] = field.slice(at + 1);
  }
  return `${fields.published}:${fields.target}/${fields.protocol}`;
}

/** One `-p` value, every port of a range by itself. */
export function parsePortSpec(spec: string): Array<{ port: string; binding: PortBinding }> {
  const parts = spec.split(':');
  const [target, proto] = splitProto(parts.at(-1) ?? '');
  const hostPort = parts.length > 1 ? parts.at(-2)! : '';
  const address = hostAddress(parts.slice(0, -2).join(':'));
  if (target === '') throw new Error(`no port specified: ${spec}<empty>`);
  const inside = portRange(target, () => `invalid containerPort: ${target}`);
  const outside = hostPort === '' ? undefined : portRange(hostPort, () => `invalid hostPort: ${hostPort}`);
  const count = inside.end - inside.start;
  if (outside && outside.end - outside.start !== count && count !== 0) {
    throw new Error(`invalid ranges specified for container and host Ports: ${target} and ${hostPort}`);
  }
  const protocol = proto.toLowerCase();
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw new Error(`invalid proto: ${proto}`);

  return Array.from({ length: count + 1 }, (_, i) => {
    let published = outside ? String(outside.start + i) : '';
    // One container port with a range of host ports: the daemon takes the first free one of the range.
    if (outside && count === 0 && outside.end !== outside.start) published += `-${outside.end}`;
    return {
      port: `${inside.start + i}/${protocol}`,
      binding: { HostIp: address, HostPort: published },
    };
  });
}

/** The ports of one `--expose` value. */
function exposedPorts(spec: string): string[] {
  if (spec.includes(':')) throw new Error(`invalid port format for --expose: ${spec}`);
  const [port, proto] = splitProto(spec);
  const range = portRange(port, (reason) => `invalid range format for --expose: ${spec}, error: ${reason}`);
  return Array.from({ length: range.end - range.start + 1 }, (_, i) => `${range.start + i}/${proto}`);
}

/** `80/udp` → `['80', 'udp']`; the protocol is tcp when none is named. */
function splitProto(text: string): [port: string, proto: string] {
  const [port = '', proto = ''] = text.split('/');
  return port === '' ? ['', ''] : [port, proto || 'tcp'];
}

function hostAddress(text: string): string {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (bare !== '' && isIP(bare) === 0) throw new Error(`invalid IP address: ${bare}`);
  return bare;
}

function portRange(text: string, message: (reason: string) => string): { start: number; end: number } {
  const [first = '', last = first] = text.split('-');
  const start = portNumber(first, message);
  const end = portNumber(last, message);
  if (end < start) throw new Error(message(`invalid range specified for port: ${text}`));
  return { start, end };
}

function portNumber(text: string, message: (reason: string) => string): number {
  if (!/^\d+$/.test(text)) {
    const quoted = JSON.stringify(text);
    throw new Error(
      message(
        text === ''
          ? 'empty string specified for ports'
          : `strconv.ParseUint: parsing ${quoted}: invalid syntax`,
      ),
    );
  }
  const port = Number(text);
  if (port > 65535) {
    throw new Error(message(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`));
  }
  return port;
}
