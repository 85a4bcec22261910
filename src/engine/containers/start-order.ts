/** Which containers have to run before others can start. Pure. */

import type { ContainerRecord } from './record.ts';

/** Ids of the containers whose namespaces or whose addresses this one needs. */
export function needs({ hostConfig, links }: Pick<ContainerRecord, 'hostConfig' | 'links'>): string[] {
  const { NetworkMode, IpcMode, PidMode } = hostConfig;
  const shared = [NetworkMode, IpcMode, PidMode].flatMap((mode) => /^container:(.+)$/.exec(mode)?.[1] ?? []);
  return [...new Set([...shared, ...links.map((link) => link.containerId)])];
}

/** What is needed comes before what needs it; else the order stays. Circles are broken somewhere. */
export function inOrderOfNeeds<C extends { record: ContainerRecord }>(containers: readonly C[]): C[] {
  const byId = new Map(containers.map((container) => [container.record.id, container]));
  const ordered = new Set<C>();
  const visit = (container: C, on: ReadonlySet<C>) => {
    if (ordered.has(container) || on.has(container)) return;
    for (const id of needs(container.record)) {
      const other = byId.get(id);
      if (other !== undefined) visit(other, new Set([...on, container]));
    }
    ordered.add(container);
  };
  for (const container of containers) visit(container, new Set());
  return [...ordered];
}
