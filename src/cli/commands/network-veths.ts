import { shortId } from '../format/ids.ts';
import { type Row, renderList } from '../format/list.ts';
import type { MapEndpoint, MapNetwork, NetworkMap } from '../map/model.ts';

/**
 * `network ls --veth`: a line for every container on every network, and one for a network without any. What is not there, or what nobody
 * tells, is empty.
 *
 * @param ids the networks that are meant
 */
export function vethList(
  map: NetworkMap,
  ids: ReadonlySet<string>,
  { quiet, format, 'no-trunc': full }: { quiet: boolean; format: string; 'no-trunc': boolean },
): string {
  const rows = map.networks
    .filter(({ id }) => ids.has(id))
    .flatMap((network) => {
      const endpoints = map.endpoints.filter(
        ({ networkId, container, hostVeth }) =>
          // One that does not run may still have its veth: others have joined its namespace.
          networkId === network.id && (container.pid !== undefined || hostVeth !== undefined),
      );
      return (endpoints.length === 0 ? [undefined] : endpoints).map((endpoint) =>
        row(network, endpoint, full),
      );
    });
  const view = {
    type: '*network.vethContext',
    table: '{{.Network}}\t{{.Driver}}\t{{.Bridge}}\t{{.Container}}\t{{.Interface}}\t{{.Veth}}\t{{.Address}}',
    headers: {
      ID: 'NETWORK ID',
      Network: 'NETWORK',
      Driver: 'DRIVER',
      Bridge: 'BRIDGE',
      Container: 'CONTAINER',
      Interface: 'INTERFACE',
      Veth: 'VETH',
      MAC: 'MAC ADDRESS',
      Address: 'ADDRESS',
    },
  };
  return renderList(view, rows, quiet ? '{{.Veth}}' : format);
}

function row(network: MapNetwork, endpoint: MapEndpoint | undefined, full: boolean): Row {
  return {
    ID: full ? network.id : shortId(network.id),
    Network: network.name,
    Driver: network.driver,
    Bridge: network.bridge?.name ?? network.parent ?? '',
    Container: endpoint?.container.name ?? '',
    Interface: endpoint?.inside?.name ?? '',
    Veth: endpoint?.hostVeth?.name ?? '',
    MAC: endpoint?.mac ?? '',
    Address: endpoint?.addresses.join(', ') ?? '',
  };
}
