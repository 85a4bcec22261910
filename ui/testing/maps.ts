/** Maps for tests and measurements. */

import type { MapEndpoint, MapNetwork, NetworkMap } from '../../src/base/wire/index.ts';

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');

export interface SyntheticOptions {
  containers: number;
  networks: number;
}

/**
 * A host as busy as is wanted: the containers are spread over the networks, every twentieth is on two of them, every fourth publishes a
 * port, every 37th has stopped. The third network is internal.
 */
export function syntheticMap({ containers, networks }: SyntheticOptions): NetworkMap {
  const nets = Array.from({ length: networks }, (_, at) => syntheticNetwork(at));
  return {
    host: {
      name: 'vm',
      interfaces: [
        {
          name: 'eth0',
          index: 2,
          mac: 'e2:25:39:0d:4c:7b',
          mtu: 1500,
          up: true,
          addresses: ['192.0.2.7/24', '2001:db8::7/64'],
          defaultRoute: { gateway: '192.0.2.1' },
        },
      ],
      ipForward: true,
      firewall: 'nftables',
    },
    networks: nets,
    endpoints: Array.from({ length: containers }, (_, at) => syntheticEndpoints(at, nets)).flat(),
  };
}

function syntheticNetwork(at: number): MapNetwork {
  const name = at === 0 ? 'bridge' : `net-${at}`;
  const subnet = `172.${17 + at}.0`;
  return {
    id: hex(at + 1, 64),
    name,
    driver: 'bridge',
    ...(at === 2 ? { internal: true } : {}),
    bridge: {
      name: at === 0 ? 'docker0' : `br-${hex(at + 1, 12)}`,
      index: 10 + at,
      mac: `02:42:00:00:00:${hex(at, 2)}`,
      mtu: 1500,
      up: true,
      addresses: [`${subnet}.1/16`],
    },
    subnets: [{ subnet: `${subnet}.0/16`, gateway: `${subnet}.1` }],
    icc: true,
    masquerade: true,
    options: {},
  };
}

function syntheticEndpoints(at: number, nets: readonly MapNetwork[]): MapEndpoint[] {
  const running = at % 37 !== 36;
  const container = {
    id: hex(at + 1, 64),
    name: `web-${at}`,
    image: 'web',
    state: running ? 'running' : 'exited',
    ...(running ? { pid: 1000 + at } : {}),
  };
  const endpoint = (net: number, place: number): MapEndpoint => ({
    networkId: nets[net]?.id ?? '',
    container,
    ...(running
      ? {
          hostVeth: { name: `veth${hex(at * 16 + place, 7)}`, index: 100 + 2 * at + place },
          inside: { name: `eth${place}`, index: 2 + place },
          mac: `02:42:ac:${hex(net, 2)}:${hex(at, 2)}:0${place}`,
        }
      : {}),
    addresses: running ? [`172.${17 + net}.0.${2 + Math.floor(at / nets.length)}/16`] : [],
    ports:
      at % 4 === 0 && place === 0
        ? [{ hostIp: '0.0.0.0', hostPort: 8000 + at, containerPort: 80, proto: 'tcp', servedBy: 'both' }]
        : [],
    links: [],
  });
  const net = at % nets.length;
  return at % 20 === 7 ? [endpoint(net, 0), endpoint((net + 1) % nets.length, 1)] : [endpoint(net, 0)];
}
