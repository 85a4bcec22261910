/** Published ports and links: elements of sets and maps, never rules. */

import type { PortRange, PortSpec } from '../../../base/ports.ts';
import type { FirewallIntent, NetworkIntent } from '../intent.ts';
import { type MappingRun, mergeRanges } from '../iptables/ranges.ts';
import type { Origin, OriginPort } from '../origin.ts';
import { kernelRuns, letsIn } from '../published.ts';
import type { TableBuilder } from './builder.ts';
import { PortClaims } from './claims.ts';
import type { SetName } from './layout.ts';
import { type FamilyNetwork, isClosed } from './network.ts';

/** Which ports are spoken for, in the table of one family. */
export class PublishedPorts {
  readonly #builder: TableBuilder;
  readonly #intent: FirewallIntent;
  readonly #entered = new PortClaims();
  readonly #translated = new PortClaims();

  constructor(builder: TableBuilder, intent: FirewallIntent) {
    this.#builder = builder;
    this.#intent = intent;
  }

  /** All published ports of a network that the kernel serves in this family. */
  addNetwork(entry: FamilyNetwork): void {
    if (isClosed(entry)) return;
    const builder = this.#builder;
    const runs = kernelRuns(entry.network, builder.family, (text) => builder.address(text));
    for (const run of runs) {
      if (letsIn(this.#intent, entry.network, entry.part, builder.address(run.hostIp))) {
        this.#letIn(entry.network, run);
      }
      // Bound to nothing on the host: there is nothing to translate.
      if (entry.part.mode === 'routed' || run.hostPort === 0) continue;
      this.#translate(entry.network, run);
      if (!this.#intent.userlandProxy) this.#hairpin(entry.network, run);
    }
  }

  #letIn(network: NetworkIntent, run: MappingRun): void {
    const to = this.#builder.ownAddress(run.containerIp);
    const ports = { start: run.containerPort, end: run.containerPortEnd };
    for (const free of this.#entered.take(`${to} ${run.proto}`, ports)) {
      const set = isOne(free) ? 'filter-ports' : 'filter-port-ranges';
      this.#builder.element(
        set,
        `${to} . ${run.proto} . ${text(free)}`,
        portOrigin('port-accept', network, part(run, free.start - run.containerPort, free)),
      );
    }
  }

  /**
   * A run whose ports keep their numbers is one element that names the container and no port. A shifted run is one element
   * per port: nftables has no arithmetic on ports, and what iptables has for it (`--to-destination ip:lo-hi/base`) takes the
   * next free port of the range instead of another source port when two connections collide (see iptables/port.ts).
   */
  #translate(network: NetworkIntent, run: MappingRun): void {
    const hostIp = this.#builder.address(run.hostIp);
    const at = hostIp.isUnspecified ? '' : `${hostIp} . `;
    const to = this.#builder.ownAddress(run.containerIp);
    const claimed = this.#translated.take(`${at}${run.proto}`, { start: run.hostPort, end: run.hostPortEnd });
    const add = (set: SetName, ports: PortRange, data: string) => {
      this.#builder.element(
        at === '' ? set : (`${set}-at` as SetName),
        `${at}${run.proto} . ${text(ports)}`,
        portOrigin('port-translate', network, part(run, ports.start - run.hostPort, ports)),
        data,
      );
    };
    for (const free of claimed) {
      if (run.hostPort === run.containerPort && !isOne(free)) {
        add('nat-port-ranges', free, to);
        continue;
      }
      for (let port = free.start; port <= free.end; port++) {
        add('nat-ports', { start: port, end: port }, `${to} . ${port - run.hostPort + run.containerPort}`);
      }
    }
  }

  /** Without the proxy: what a container sends to its own published port comes back with an address it can answer. */
  #hairpin(network: NetworkIntent, run: MappingRun): void {
    const own = this.#builder.ownAddress(run.containerIp);
    this.#builder.element('nat-hairpin', `${own} . ${own}`, {
      key: 'hairpin',
      networkId: network.id,
      endpointId: run.endpointId,
    });
  }
}

/** What the links of a network without icc open; nothing in a closed one, as in the iptables backend. */
export function addLinks(builder: TableBuilder, entry: FamilyNetwork): void {
  const { network } = entry;
  if (network.icc || isClosed(entry) || builder.family !== 4) return;
  const claims = { 'link-request': new PortClaims(), 'link-answer': new PortClaims() };
  for (const link of network.links) {
    const client = builder.ownAddress(link.clientIp);
    const server = builder.ownAddress(link.serverIp);
    const open = (key: 'link-request' | 'link-answer', set: SetName, pair: string, ports: PortSpec) => {
      for (const free of claims[key].take(`${pair} ${ports.proto}`, ports)) {
        builder.element(set, `${pair} . ${ports.proto} . ${text(free)}`, {
          key,
          networkId: network.id,
          endpointId: link.clientEndpointId,
          port: { proto: ports.proto, containerPort: free.start, containerPortEnd: free.end },
          link: { serverEndpointId: link.serverEndpointId, alias: link.alias },
        });
      }
    };
    for (const proto of new Set(link.exposed.map((port) => port.proto))) {
      for (const range of mergeRanges(link.exposed.filter((port) => port.proto === proto))) {
        open('link-request', 'filter-links', `${client} . ${server}`, { proto, ...range });
        open('link-answer', 'filter-link-answers', `${server} . ${client}`, { proto, ...range });
      }
    }
  }
}

function isOne(ports: PortRange): boolean {
  return ports.start === ports.end;
}

function text(ports: PortRange): string {
  return isOne(ports) ? `${ports.start}` : `${ports.start}-${ports.end}`;
}

/** The part of a run that begins `offset` ports into it and is as long as `ports`. */
function part(run: MappingRun, offset: number, ports: PortRange): MappingRun {
  const length = ports.end - ports.start;
  const containerPort = run.containerPort + offset;
  const hostPort = run.hostPort === 0 ? 0 : run.hostPort + offset;
  return {
    ...run,
    containerPort,
    containerPortEnd: containerPort + length,
    hostPort,
    hostPortEnd: hostPort === 0 ? 0 : hostPort + length,
  };
}

function portOrigin(key: Origin['key'], network: NetworkIntent, run: MappingRun): Origin {
  const port: OriginPort = {
    proto: run.proto,
    containerPort: run.containerPort,
    containerPortEnd: run.containerPortEnd,
    ...(run.hostPort === 0
      ? {}
      : { hostIp: run.hostIp, hostPort: run.hostPort, hostPortEnd: run.hostPortEnd }),
  };
  return { key, networkId: network.id, endpointId: run.endpointId, port };
}
