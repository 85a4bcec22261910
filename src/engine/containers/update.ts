/** `docker update`: new limits and another restart policy, for a running container at once. */

import { BridgeportError, conflict, invalid, isKind, messageOf } from '../../base/errors.ts';
import type { ContainerUpdateBody, HostConfig, Resources } from '../../base/wire/index.ts';
import type { EngineContext } from '../context.ts';
import { ociResources } from '../spec/resources.ts';
import { checkResources } from './check-limits.ts';
import type { Container } from './container.ts';
import { normalizeHostConfig, normalizeResources } from './normalize.ts';
import type { ContainerRegistry } from './registry.ts';

export async function updateContainer(
  container: Container,
  body: ContainerUpdateBody,
  context: EngineContext,
  registry: ContainerRegistry,
): Promise<void> {
  await container.lock.run(async () => {
    const { record } = container;
    try {
      if (record.removing) throw conflict('container is marked for removal and cannot be "update"');
      const { defaults, cpus } = context.settings;
      const { next, changed } = updatedHostConfig(record.hostConfig, body);
      normalizeHostConfig(next, defaults);
      checkResources(next, cpus);
      if (container.isRunning && Object.keys(changed).length > 0) {
        await context.containerd.tasks.update(
          container.id,
          ociResources({ ...normalizeResources({}), ...changed }),
        );
      }
      record.hostConfig = next;
    } catch (error) {
      const kind = isKind(error) ? error.kind : 'internal';
      throw new BridgeportError(kind, `Cannot update container ${record.id}: ${messageOf(error)}`, {
        cause: error,
      });
    }
    registry.save(container);
  });
}

/**
 * Pure: the settings as they become, and what the kernel is to be told. Members that are not given (or zero, as Docker's client sends
 * them) stay as they are. Throws `invalid` in Docker's words.
 */
export function updatedHostConfig(
  current: HostConfig,
  body: ContainerUpdateBody,
): { next: HostConfig; changed: Partial<Resources> } {
  const { RestartPolicy: policy, ...limits } = body;
  const given = Object.entries(limits).filter(([, value]) => isGiven(value));
  const changed: Partial<Resources> = Object.fromEntries(given);
  checkChange(current, changed);
  const next: HostConfig = { ...current, ...changed };
  if (policy?.Name) {
    if (current.AutoRemove && policy.Name !== 'no') {
      throw invalid('Restart policy cannot be updated because AutoRemove is enabled for the container');
    }
    next.RestartPolicy = { Name: policy.Name, MaximumRetryCount: policy.MaximumRetryCount ?? 0 };
  }
  // Memory and swap are one pair for the kernel: either alone could contradict what is set.
  if ('Memory' in changed || 'MemorySwap' in changed) {
    changed.Memory = next.Memory;
    changed.MemorySwap = next.MemorySwap;
  }
  return { next, changed };
}

function checkChange(current: HostConfig, changed: Partial<Resources>): void {
  const refuse = (what: string, other: string) => {
    throw invalid(`Conflicting options: ${what} cannot be updated as ${other} has already been set`);
  };
  if (changed.NanoCpus !== undefined && current.CpuPeriod > 0) refuse('Nano CPUs', 'CPU Period');
  if (changed.NanoCpus !== undefined && current.CpuQuota > 0) refuse('Nano CPUs', 'CPU Quota');
  if (changed.CpuPeriod !== undefined && current.NanoCpus > 0) refuse('CPU Period', 'NanoCPUs');
  if (changed.CpuQuota !== undefined && current.NanoCpus > 0) refuse('CPU Quota', 'NanoCPUs');
  const { Memory: memory = 0, MemorySwap: swap } = changed;
  if (swap === undefined && current.MemorySwap > 0 && memory > current.MemorySwap) {
    throw invalid(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    );
  }
}

function isGiven(value: unknown): boolean {
  return (
    value !== undefined &&
    value !== null &&
    value !== 0 &&
    value !== '' &&
    !(Array.isArray(value) && value.length === 0)
  );
}
