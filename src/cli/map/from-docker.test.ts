import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerInspect, NetworkInspect } from '../api/types.ts';
import { joinRuns, mapFromDocker } from './from-docker.ts';

const bridge: NetworkInspect = {
  Id: 'b'.repeat(64),
  Name: 'bridge',
  Created: '',
  Scope: 'local',
  Driver: 'bridge',
  Internal: false,
  Options: {
    'com.docker.network.bridge.name': 'docker0',
    'com.docker.network.bridge.enable_icc': 'false',
    'com.docker.network.driver.mtu': '1500',
  },
  IPAM: { Driver: 'default', Config: [{ Subnet: '172.17.0.0/16' }] },
};

const web: ContainerInspect = {
  Id: 'c'.repeat(64),
  Name: '/web',
  Created: '',
  State: { Status: 'running', Running: true, Paused: false, Restarting: false, Pid: 42, ExitCode: 0 },
  Config: { Tty: false, OpenStdin: false, AttachStdin: false, Image: 'nginx', Hostname: 'c' },
  HostConfig: { AutoRemove: false, NetworkMode: 'default', Links: ['/db:/web/store'] },
  NetworkSettings: {
    Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }], '443/tcp': null },
    Networks: {
      bridge: {
        NetworkID: bridge.Id,
        EndpointID: 'e',
        Gateway: '172.17.0.1',
        IPAddress: '172.17.0.2',
        IPPrefixLen: 16,
        MacAddress: '02:42:ac:11:00:02',
      },
    },
  },
};

test('`mapFromDocker()` tells what the Docker API knows', () => {
  const map = mapFromDocker({
    containers: [web],
    networks: [bridge],
    info: { Name: 'host', IPv4Forwarding: true },
    note: 'far away',
  });
  assert.deepEqual(map.host, { interfaces: [], note: 'far away', name: 'host', ipForward: true });
  const [network] = map.networks;
  assert.deepEqual(network?.bridge, { name: 'docker0', addresses: ['172.17.0.1/16'], mtu: 1500 });
  assert.deepEqual([network?.icc, network?.masquerade], [false, true]);
  assert.deepEqual(map.endpoints, [
    {
      networkId: bridge.Id,
      container: { id: web.Id, name: 'web', image: 'nginx', state: 'running', pid: 42 },
      inside: { name: 'eth0' },
      mac: '02:42:ac:11:00:02',
      addresses: ['172.17.0.2/16'],
      ports: [{ hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, proto: 'tcp' }],
      exposed: ['443/tcp'],
      links: [{ to: 'db', alias: 'store' }],
    },
  ]);
});

test('`joinRuns()` joins ports that keep their distance, per address and protocol', () => {
  const port = (hostPort: number, containerPort: number, hostIp = '0.0.0.0') => ({
    hostIp,
    hostPort,
    containerPort,
    proto: 'tcp',
  });
  assert.deepEqual(
    joinRuns([port(8001, 81), port(8000, 80), port(8000, 80, '::'), port(9000, 82), port(8001, 81, '::')]),
    [
      { hostIp: '0.0.0.0', hostPort: 8000, hostPortEnd: 8001, containerPort: 80, proto: 'tcp' },
      { hostIp: '::', hostPort: 8000, hostPortEnd: 8001, containerPort: 80, proto: 'tcp' },
      { hostIp: '0.0.0.0', hostPort: 9000, containerPort: 82, proto: 'tcp' },
    ],
  );
});
