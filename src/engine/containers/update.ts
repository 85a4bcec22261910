/** `docker update`: new limits and another restart policy, for a running container at once. */

import { conflict, invalid } from '../../base/errors.ts';
import type { ContainerUpdateBody, HostConfig } from '../../base/wire/index.ts';
import type { EngineContext } from '../context.ts';
import { ociResources } from '../spec/resources.ts';
import { checkResources } from './check-limits.ts';
import type { Container } from './container.ts';
import { normalizeHostConfig, normalizeResources } from './normalize.ts';
import type { ContainerRegistry } from './registry.ts';

/** Members that are not given (or zero, as Docker's client sends them) stay as they are. */
export async function updateContainer(
  container: Container,
  body: ContainerUpdateBody,
  context: EngineContext,
  registry: ContainerRegistry,
): Promise<void> {
  await container.lock.run(async () => {
    const { record } = container;
    if (record.removing)
      throw conflict(
        `cannot update container ${record.id}: container is marked for removal and cannot be "update"`,
      );
    const { RestartPolicy: policy, ...limits } = body;
    const changed = Object.fromEntries(Object.entries(limits).filter(([, value]) => isGiven(value)));
    const next: HostConfig = { ...record.hostConfig, ...changed };
    if ('NanoCpus' in changed) Object.assign(next, { CpuPeriod: 0, CpuQuota: 0 });
    else if ('CpuPeriod' in changed || 'CpuQuota' in changed) next.NanoCpus = 0;
    if (policy?.Name) {
      if (record.hostConfig.AutoRemove && policy.Name !== 'no') {
        throw invalid('Restart policy cannot be updated because AutoRemove is enabled for the container');
      }
      next.RestartPolicy = { Name: policy.Name, MaximumRetryCount: policy.MaximumRetryCount ?? 0 };
    }
    normalizeHostConfig(next, context.settings.defaults);
    const { Memory: memory, MemorySwap: swap } = next;
    if (swap > 0 && memory > swap && !('MemorySwap' in changed)) {
      throw invalid(
        'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
      );
    }
    checkResources(next, context.settings.cpus);
    if (container.isRunning && Object.keys(changed).length > 0) {
      const resources = ociResources({ ...normalizeResources({}), ...pickChanged(next, changed) });
      await context.containerd.tasks.update(container.id, resources);
    }
    record.hostConfig = next;
    registry.save(container);
  });
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

/** What the kernel is to be told: the changed fields, and those whose meaning depends on them. */
function pickChanged(next: HostConfig, changed: Record<string, unknown>): Partial<HostConfig> {
  const result: Record<string, unknown> = { ...changed };
  // Memory and swap are one pair for the kernel: either alone could contradict what is set.
  if ('Memory' in changed || 'MemorySwap' in changed) {
    result.Memory = next.Memory;
    result.MemorySwap = next.MemorySwap;
  }
  return result as Partial<HostConfig>;
}
