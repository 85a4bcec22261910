import type { PortMap } from '../../base/wire/index.ts';
import type { ContainerInspect } from '../api/types.ts';
import { defineCommand } from '../command.ts';
import { bracketed } from '../format/ports.ts';
import { containerPath } from './each.ts';

export const port = defineCommand({
  use: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
  summary: 'List port mappings or a specific mapping for the container',
  aliases: ['bridgeport container port', 'bridgeport port'],
  args: { min: 1, max: 2 },
  flags: {},
  async run(context, { args: [name, wanted] }) {
    const container = await context.client.json<ContainerInspect>('GET', containerPath(name!, 'json'));
    const ports = container.NetworkSettings.Ports ?? {};
    const key = wanted === undefined ? undefined : portKey(wanted);
    if (key !== undefined && (ports[key] ?? []).length === 0) {
      throw new Error(`Error: No public port '${wanted}' published for ${name}`);
    }
    context.out(portLines(ports, key));
    return 0;
  },
});

/** Each host side on a line of its own: `80/tcp -> 0.0.0.0:8080`, or without the arrow those of one port alone. */
export function portLines(ports: PortMap, only?: string): string {
  const lines: Array<{ port: number; proto: string; text: string }> = [];
  for (const [inside, bindings] of Object.entries(ports)) {
    if (only !== undefined && inside !== only) continue;
    const [number = '', proto = ''] = inside.split('/');
    for (const { HostIp, HostPort } of bindings ?? []) {
      const outside = `${bracketed(HostIp)}:${HostPort}`;
      const text = only === undefined ? `${inside} -> ${outside}` : outside;
      lines.push({ port: Number(number), proto, text });
    }
  }
  lines.sort((a, b) => a.port - b.port || a.proto.localeCompare(b.proto) || (a.text < b.text ? -1 : 1));
  return lines.map(({ text }) => `${text}\n`).join('');
}

function portKey(typed: string): string {
  const [number = '', proto = 'tcp'] = typed.split('/');
  if (!/^\d+$/.test(number) || Number(number) > 65535) {
    throw new Error(`invalid port ${JSON.stringify(number)}: want a number from 0 to 65535`);
  }
  return `${number}/${proto}`;
}
