import type { ContainerPorts, ContainerPortsBody, PortMap } from '../../base/wire/index.ts';
import { type Command, defineCommand } from '../command.ts';
import { bool } from '../flags/flag.ts';
import { type PortBinding, publishedPorts } from '../flags/ports.ts';
import { portLines } from './port.ts';

export const addPorts = change({
  method: 'POST',
  use: '[OPTIONS] CONTAINER PORT [PORT...]',
  summary: `Publish more ports of a container, at once and for its next starts

PORT is what follows \`run -p\`: 8080:80, 127.0.0.1:8080:80, 5353:53/udp,
8000-8010:8000-8010, or 80 for a free port of the host.
All of them are published, or none. The container is not restarted.`,
});

export const removePorts = change({
  method: 'DELETE',
  use: '[OPTIONS] CONTAINER PORT [PORT...]',
  summary: `Take published ports of a container away

PORT is what follows \`run -p\`, without a host's port for all that lead to
the container's: 80, 8080:80, 8000-8010:8000-8010, 53/udp.
Connections by these ports end; others do not notice.`,
});

function change({ method, use, summary }: { method: string; use: string; summary: string }): Command {
  return defineCommand({
    use,
    summary,
    args: { min: 2 },
    flags: { json: bool('Print all ports of the container, and which of them changed, as JSON') },
    async run(context, { flags, args: [name, ...specs] }) {
      const body: ContainerPortsBody = { PortBindings: bindingsOf(specs) };
      const path = `/bridgeport/containers/${encodeURIComponent(name!)}/ports`;
      const answer = await context.client.json<ContainerPorts>(method, path, {
        body,
        versioned: false,
      });
      context.out(flags.json ? `${JSON.stringify(answer, null, 2)}\n` : portLines(answer.Changed));
      return 0;
    },
  });
}

function bindingsOf(specs: readonly string[]): PortMap {
  const bindings: Record<string, PortBinding[]> = publishedPorts(specs, []).bindings;
  return bindings;
}
