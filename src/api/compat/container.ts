/** Containers as older clients expect them. */

import { isUserDefined } from '../../base/network-mode.ts';
import type { ContainerInspect, ContainerSummary, EndpointSettings } from '../../base/wire/index.ts';

export function containerSummaryFor(version: number, summary: ContainerSummary): ContainerSummary {
  if (version >= 46 || summary.HostConfig.Annotations === undefined) return summary;
  return { ...summary, HostConfig: { NetworkMode: summary.HostConfig.NetworkMode } };
}

export function containerInspectFor(version: number, container: ContainerInspect): ContainerInspect {
  if (version >= 45) return container;
  return {
    ...container,
    NetworkSettings: {
      ...container.NetworkSettings,
      Networks: Object.fromEntries(
        Object.entries(container.NetworkSettings.Networks).map(([name, endpoint]) => [
          name,
          isUserDefined(name) ? withImpliedAliases(container, endpoint) : endpoint,
        ]),
      ),
    },
  };
}

/** Before 1.45 the container's short id and hostname were listed among its aliases. */
function withImpliedAliases(container: ContainerInspect, endpoint: EndpointSettings): EndpointSettings {
  const implied = [container.Id.slice(0, 12), container.Config.Hostname];
  return { ...endpoint, Aliases: [...new Set([...(endpoint.Aliases ?? []), ...implied])] };
}
