import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conflict, isKind } from '../../base/errors.ts';
import type { PortMap } from '../../base/wire/index.ts';
import type { EndpointSpec, NetworkSpec, PortMapping } from '../model/index.ts';
import type { PortPublisher, PublishTarget } from '../ports/publisher.ts';
import type { PublishRequest } from '../ports/request.ts';
import type { StaleFlows } from '../ports/stale-flows.ts';
import type { NetworkRegistry } from './network-registry.ts';
import { Publishing } from './publishing.ts';
import type { SandboxRecord } from './sandbox-record.ts';

const at = (HostPort: string) => [{ HostIp: '', HostPort }];

/** A container on docker0, and what everybody around it was told, in order. */
function stage(bindings: PortMap) {
  const told: string[] = [];
  const state = { refuse: false, taken: false };
  const network = { id: 'n', name: 'bridge', bridge: { gatewayModeV4: 'nat' } } as unknown as NetworkSpec;
  const endpoint = { id: 'e', networkId: 'n', v4: { address: '172.17.0.2', gateway: '172.17.0.1' } };
  const record = {
    endpoints: [endpoint as unknown as EndpointSpec],
    ports: [] as PortMapping[],
    request: { containerName: 'web', portBindings: bindings, exposedPorts: [], publishAllPorts: false },
  } as unknown as SandboxRecord;
  const list = (mappings: readonly PortMapping[]) => mappings.map(({ hostPort }) => hostPort).join();
  const publisher = {
    publish: async (target: PublishTarget, requests: PublishRequest[]) => {
      if (state.taken) throw conflict('Bind for 0.0.0.0:8080 failed: port is already allocated');
      const made = requests.map((one) => ({
        endpointId: target.v4?.endpointId ?? '',
        proto: one.proto,
        containerIp: target.v4?.address ?? '',
        containerPort: one.containerPort,
        hostIp: '0.0.0.0',
        hostPort: one.hostPort,
      }));
      told.push(`publish ${list(made)}`);
      return made;
    },
    unpublish: async (mappings: readonly PortMapping[]) => void told.push(`unpublish ${list(mappings)}`),
    replace: async (_before: readonly PortMapping[], after: readonly PortMapping[]) =>
      void told.push(`keep ${list(after)}`),
  } as unknown as PortPublisher;
  const publishing = new Publishing({
    networks: { byId: () => network } as unknown as NetworkRegistry,
    publisher,
    staleFlows: {
      forget: (mappings: readonly PortMapping[]) => told.push(`forget ${list(mappings)}`),
    } as unknown as StaleFlows,
    syncFirewall: async () => {
      told.push(`rules for ${list(record.ports)}`);
      if (state.refuse) throw new Error('iptables-restore: line 3 failed');
    },
    save: (saved) => told.push(`save ${list(saved.ports)}`),
  });
  return { publishing, record, state, told };
}

test('`open()` says whose ports could not be published, in Docker’s words and with its reason', async () => {
  const { publishing, record, state, told } = stage({ '80/tcp': at('8080') });
  state.taken = true;
  await assert.rejects(publishing.open(record), (error) => {
    assert.ok(isKind(error, 'conflict'));
    assert.equal(
      error.message,
      'driver failed programming external connectivity on endpoint web (e): Bind for 0.0.0.0:8080 failed: port is already allocated',
    );
    return true;
  });
  assert.deepEqual(told, []);
});

test('`add()` records before it writes rules, and forgets what flowed by the new ports', async () => {
  const { publishing, record, told } = stage({ '80/tcp': at('8080') });
  await publishing.open(record);
  told.length = 0;
  const { made } = await publishing.add(record, record.request.portBindings, { '80/tcp': at('9090') });
  assert.deepEqual(
    made.map(({ hostPort }) => hostPort),
    [9090],
  );
  assert.deepEqual(told, ['publish 9090', 'save 8080,9090', 'rules for 8080,9090', 'forget 9090']);
  assert.deepEqual(record.request.portBindings, { '80/tcp': [...at('8080'), ...at('9090')] });
});

test('`add()` undoes everything when the rules cannot be written', async () => {
  const { publishing, record, state, told } = stage({ '80/tcp': at('8080') });
  await publishing.open(record);
  const before = structuredClone({ ports: record.ports, request: record.request });
  told.length = 0;
  state.refuse = true;
  await assert.rejects(
    publishing.add(record, record.request.portBindings, { '81/tcp': at('9090') }),
    /line 3 failed/,
  );
  assert.deepEqual({ ports: record.ports, request: record.request }, before);
  assert.deepEqual(told.slice(-2), ['save 8080', 'unpublish 9090']);
});

test('`add()` refuses a container without a way out, before anything is bound', async () => {
  const { publishing, record, told } = stage({});
  record.endpoints = [];
  await assert.rejects(publishing.add(record, {}, { '80/tcp': at('8080') }), {
    kind: 'invalid',
    message: /none of its networks has a way out/,
  });
  assert.deepEqual(told, []);
});

test('`remove()` takes rules away before it gives ports free, and ends what travels by them', async () => {
  const { publishing, record, told } = stage({ '80/tcp': at('8080'), '90/tcp': at('9090') });
  await publishing.open(record);
  told.length = 0;
  const { bindings, lost } = await publishing.remove(record, record.request.portBindings, { '90/tcp': [] });
  assert.deepEqual(
    lost.map(({ hostPort }) => hostPort),
    [9090],
  );
  assert.deepEqual(bindings, { '80/tcp': at('8080') });
  assert.deepEqual(told, ['save 8080', 'rules for 8080', 'keep 8080', 'forget 9090']);
});

test('`remove()` changes nothing when the rules cannot be written', async () => {
  const { publishing, record, state, told } = stage({ '80/tcp': at('8080'), '90/tcp': at('9090') });
  await publishing.open(record);
  const before = structuredClone({ ports: record.ports, request: record.request });
  told.length = 0;
  state.refuse = true;
  await assert.rejects(
    publishing.remove(record, record.request.portBindings, { '90/tcp': [] }),
    /line 3 failed/,
  );
  assert.deepEqual({ ports: record.ports, request: record.request }, before);
  assert.ok(!told.some((line) => line.startsWith('keep') || line.startsWith('forget')), told.join('\n'));
});
