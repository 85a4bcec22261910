import { shortId } from '../format/ids.ts';
import { type Row, renderList } from '../format/list.ts';
import type { MapEndpoint, MapNetwork, NetworkMap } from '../map/model.ts';

/** One container on one network, or a network without any, as `network ls --veth --json` prints it. What is not known is left out. */
export interface VethEntry {
  network: { id: string; name: string; driver: string };
  /** The bridge, or the interface of the host that the containers share (macvlan, ipvlan). */
  bridge?: string;
  parent?: string;
  container?: { id: string; name: string; pid?: number };
  /** The end inside, and the end on the host, as the kernel knows them. */
  interface?: { name: string; index?: number };
  veth?: { name: string; index?: number };
  /** Lower-case, with colons. */
  mac?: string;
  /** CIDR notation. */
  addresses: string[];
}

/** @param ids the networks that are meant */
export function vethEntries(map: NetworkMap, ids: ReadonlySet<string>): VethEntry[] {
  return wires(map, ids).map(({ network, endpoint }) => {
    const { container, inside, hostVeth, mac, addresses = [] } = endpoint ?? {};
    const { id, name, driver, bridge, parent } = network;
    return {
      network: { id, name, driver },
      ...(bridge === undefined ? {} : { bridge: bridge.name }),
      ...(parent === undefined ? {} : { parent }),
      ...(container === undefined
        ? {}
        : {
            container: {
              id: container.id,
              name: container.name,
              ...(container.pid === undefined ? {} : { pid: container.pid }),
            },
          }),
      ...(inside === undefined ? {} : { interface: inside }),
      ...(hostVeth === undefined ? {} : { veth: hostVeth }),
      ...(mac === undefined ? {} : { mac }),
      addresses,
    };
  });
}

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
  const rows = wires(map, ids).map(({ network, endpoint }) => row(network, endpoint, full));
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

/** Every container of the networks with its network; a network without any, once. */
function wires(
  map: NetworkMap,
  ids: ReadonlySet<string>,
): Array<{ network: MapNetwork; endpoint: MapEndpoint | undefined }> {
  return map.networks
    .filter(({ id }) => ids.has(id))
    .flatMap((network) => {
      const endpoints = map.endpoints.filter(
        ({ networkId, container, hostVeth }) =>
          // One that does not run may still have its veth: others have joined its namespace.
          networkId === network.id && (container.pid !== undefined || hostVeth !== undefined),
      );
      return (endpoints.length === 0 ? [undefined] : endpoints).map((endpoint) => ({ network, endpoint }));
    });
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
