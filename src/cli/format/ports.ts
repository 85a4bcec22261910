/** A port as the API's container list holds it. */
export interface ListedPort {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: string;
}

/** The `PORTS` column: `0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 443/tcp`; runs of equal mappings become ranges. */
export function displayPorts(ports: readonly ListedPort[]): string {
  const sorted = [...ports].sort(
    (a, b) =>
      a.PrivatePort - b.PrivatePort ||
      order(a.IP ?? '', b.IP ?? '') ||
      (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
      order(a.Type, b.Type),
  );
  const groups = new Map<string, { first: number; last: number }>();
  const finished: string[] = [];
  const mapped: string[] = [];
  for (const { IP = '', PrivatePort: port, PublicPort, Type } of sorted) {
    if (IP !== '' && PublicPort !== port) {
      mapped.push(`${bracketed(IP)}:${PublicPort ?? 0}->${port}/${Type}`);
      continue;
    }
    const key = IP === '' ? Type : `${IP}/${Type}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: port, last: port });
    else if (port === group.last + 1) group.last = port;
    else {
      finished.push(groupText(key, group));
      groups.set(key, { first: port, last: port });
    }
  }
  const open = [...groups].map(([key, group]) => groupText(key, group));
  return [...finished, ...open, ...mapped].join(', ');
}

/** An address as it stands before a port: IPv6 in brackets. */
export function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function groupText(key: string, { first, last }: { first: number; last: number }): string {
  const range = first === last ? String(first) : `${first}-${last}`;
  const at = key.lastIndexOf('/');
  if (at < 0) return `${range}/${key}`;
  return `${bracketed(key.slice(0, at))}:${range}->${range}/${key.slice(at + 1)}`;
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
