/** Containers as older clients expect them. */

import { isUserDefined } from '../../base/network-mode.ts';
import type { ContainerInspect, EndpointSettings, ListedContainer } from '../../base/wire/index.ts';
import { portSummaries, unfoldedPortSet, unfoldedPorts } from '../unfold.ts';

/** A line of `ps`; its ports may be `JsonPieces`. */
export function containerSummaryFor(version: number, listed: ListedContainer): object {
  const { HostConfig: host } = listed;
  const hasLaterFields = version < 46 && host.Annotations !== undefined;
  return {
    ...listed,
    Ports: portSummaries(listed.Ports),
    HostConfig: hasLaterFields ? { NetworkMode: host.NetworkMode } : host,
  };
}

/** What `inspect` shows; its ports may be `JsonPieces`. */
export function containerInspectFor(version: number, container: ContainerInspect): object {
  const { Config: config, HostConfig: host, NetworkSettings: network } = container;
  return {
    ...container,
    HostConfig: { ...host, PortBindings: host.PortBindings && unfoldedPorts(host.PortBindings) },
    Config: config.ExposedPorts ? { ...config, ExposedPorts: unfoldedPortSet(config.ExposedPorts) } : config,
    NetworkSettings: {
      ...network,
      Ports: unfoldedPorts(network.Ports),
      Networks: version >= 45 ? network.Networks : withImplied(container),
    },
  };
}

function withImplied(container: ContainerInspect): Record<string, EndpointSettings> {
  return Object.fromEntries(
    Object.entries(container.NetworkSettings.Networks).map(([name, endpoint]) => [
      name,
      isUserDefined(name) ? withImpliedAliases(container, endpoint) : endpoint,
    ]),
  );
}

/** Before 1.45 the container's short id and hostname were listed among its aliases. */
function withImpliedAliases(container: ContainerInspect, endpoint: EndpointSettings): EndpointSettings {
  const implied = [container.Id.slice(0, 12), container.Config.Hostname];
  return { ...endpoint, Aliases: [...new Set([...(endpoint.Aliases ?? []), ...implied])] };
}
