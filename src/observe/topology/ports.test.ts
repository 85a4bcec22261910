import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PortMapping } from '../../network/model/index.ts';
import { mapPorts, unpublished } from './ports.ts';

const mapping = (fields: Partial<PortMapping>): PortMapping => ({
  endpointId: 'e',
  proto: 'tcp',
  containerIp: '172.17.0.2',
  containerPort: 80,
  hostIp: '0.0.0.0',
  hostPort: 8080,
  ...fields,
});

const both = { kernelServes: true, userlandProxy: true };

describe('mapPorts()', () => {
  it('`mapPorts()` says who serves a port: rules do not translate between families, and the proxy speaks no SCTP', () => {
    const served = (fields: Partial<PortMapping>, settings = both) =>
      mapPorts([mapping(fields)], settings)[0]?.servedBy;
    assert.equal(served({}), 'both');
    assert.equal(served({ hostIp: '::' }), 'proxy');
    assert.equal(served({ hostIp: '::', containerIp: 'fd00::2' }), 'both');
    assert.equal(served({ proto: 'sctp' }), 'kernel');
    assert.equal(served({}, { kernelServes: true, userlandProxy: false }), 'kernel');
    assert.equal(served({}, { kernelServes: false, userlandProxy: false }), 'proxy');
  });

  it('`mapPorts()` joins neighbours that keep their distance, and sorts by container port', () => {
    const ports = mapPorts(
      [
        mapping({ containerPort: 443, hostPort: 8443 }),
        mapping({ containerPort: 81, hostPort: 8081 }),
        mapping({ containerPort: 80, hostPort: 8080 }),
        mapping({ containerPort: 82, containerPortEnd: 84, hostPort: 8082, hostPortEnd: 8084 }),
        // The next port outside, but not inside.
        mapping({ containerPort: 90, hostPort: 8085 }),
        mapping({ containerPort: 81, hostPort: 8081, hostIp: '::' }),
      ],
      both,
    );
    assert.deepEqual(
      ports.map((port) => `${port.hostIp} ${port.hostPort}-${port.hostPortEnd ?? ''} ${port.containerPort}`),
      ['0.0.0.0 8080-8084 80', ':: 8081- 81', '0.0.0.0 8085- 90', '0.0.0.0 8443- 443'],
    );
  });
});

it('`unpublished()` leaves out what is published', () => {
  const mappings = [mapping({ containerPort: 80, containerPortEnd: 82 })];
  assert.deepEqual(unpublished(['443/tcp', '80/tcp', '81/udp', '81-82/tcp', '82-83/tcp'], mappings), [
    '81/udp',
    '83/tcp',
    '443/tcp',
  ]);
});
