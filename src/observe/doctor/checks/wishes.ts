/** What a container was made with and what has come to nothing. Pure. */

import { isUnknownLabel, proxyProtocolPort } from '../../../base/labels.ts';
import { parsePortSpec } from '../../../base/ports.ts';
import { shellCommand } from '../../../base/shell.ts';
import type { TopologyContainer } from '../../topology/records.ts';
import { type Check, type Finding, type FindingOf, ofContainer } from '../finding.ts';
import type { Snapshot } from '../snapshot.ts';
import { bridged } from '../view.ts';

export const publishedNowhere: Check = {
  id: 'published-nowhere',
  find: (snapshot) =>
    snapshot.containers.flatMap((container): Finding[] => {
      const { sandbox, publishes } = container;
      if (sandbox === undefined) return [];
      const nowhere = publishes.filter((text) => !isPublished(text, container));
      const why = nowhere.length > 0 ? reasonOf(snapshot, container) : undefined;
      if (why === undefined) return [];
      const networks = networksOf(snapshot, container);
      return [
        {
          check: 'published-nowhere',
          severity: 'warning',
          owner: ofContainer(container),
          facts: { ports: nowhere.join(', '), networks: networks.map(({ name }) => name).join(', '), why },
          evidence: [
            `-p ${nowhere.join(', ')}: no port of the host`,
            ...networks.map(
              ({ name, driver, internal }) => `network ${name}: ${driver}${internal ? ', internal' : ''}`,
            ),
          ],
          commands: why === 'parent' ? [] : joinBridge(snapshot, container, why),
        },
      ];
    }),
};

function isPublished(text: string, { sandbox }: TopologyContainer): boolean {
  const { start, proto } = parsePortSpec(text);
  return (sandbox?.ports ?? []).some(
    ({ proto: published, containerPort, containerPortEnd = containerPort }) =>
      published === proto && start >= containerPort && start <= containerPortEnd,
  );
}

const networksOf = ({ networks }: Snapshot, { networkIds }: TopologyContainer) =>
  networks.filter(({ id }) => networkIds.includes(id));

/** Nothing where it is reached all the same: on the host's own network. */
function reasonOf(
  snapshot: Snapshot,
  container: TopologyContainer,
): FindingOf<'published-nowhere'>['facts']['why'] | undefined {
  const networks = networksOf(snapshot, container);
  if (networks.some(({ driver }) => driver === 'host')) return undefined;
  if (networks.some(({ parent, internal }) => parent !== undefined && !internal)) return 'parent';
  return networks.some(({ driver }) => driver !== 'null') ? 'internal' : 'none';
}

/** The default network, or else any that ports can be published on. */
function joinBridge(snapshot: Snapshot, { name }: TopologyContainer, why: 'internal' | 'none'): string[] {
  const open = bridged(snapshot).filter(({ internal }) => !internal);
  const target = open.find(({ bridge }) => bridge.isDefault) ?? open[0];
  if (target === undefined) return [];
  return [
    // A container on `none` is on no other.
    ...(why === 'none' ? [shellCommand('docker', 'network', 'disconnect', 'none', name)] : []),
    shellCommand('docker', 'network', 'connect', target.name, name),
  ];
}

export const labelUnknown: Check = {
  id: 'label-unknown',
  find: ({ containers }) =>
    containers.flatMap((container) =>
      Object.entries(container.labels).flatMap(([label, value]): Finding[] => {
        const why = isUnknownLabel(label)
          ? 'unknown'
          : isOfNoPort(label, container)
            ? 'unpublished'
            : undefined;
        if (why === undefined) return [];
        return [
          {
            check: 'label-unknown',
            severity: 'warning',
            owner: ofContainer(container),
            facts: { label, why },
            evidence: [`--label ${label}=${value}`],
            commands: [],
          },
        ];
      }),
    ),
};

/** It names a port of the container, as the host's is easily taken for, of which nothing is published. */
function isOfNoPort(label: string, { publishes }: TopologyContainer): boolean {
  const named = proxyProtocolPort(label);
  if (named === undefined) return false;
  const { start, end, proto } = parsePortSpec(named);
  return !publishes
    .map(parsePortSpec)
    .some((port) => port.proto === proto && port.start <= end && port.end >= start);
}
