import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import type { Container } from '../containers/container.ts';
import type { Lifecycle } from '../containers/lifecycle.ts';
import type { ContainerRegistry } from '../containers/registry.ts';
import type { ExecService } from '../exec/service.ts';
import { HealthMonitor } from './monitor.ts';

test('a wall clock that was put back does not keep a container in its start period', {
  timeout: 10_000,
}, async (t) => {
  const ahead = new Date(Date.now() + 3_600_000).toISOString();
  const container = {
    id: 'c',
    record: {
      config: { Healthcheck: { Test: ['CMD', 'false'], Interval: 1e6, StartInterval: 1e6, Retries: 2 } },
      state: { status: 'running', startedAt: ahead },
    },
  } as unknown as Container;
  const { promise: told, resolve } = Promise.withResolvers<string>();
  const monitor = new HealthMonitor(
    { save: () => {} } as unknown as ContainerRegistry,
    { emit: (_: Container, action: string) => resolve(action) } as unknown as Lifecycle,
    { capture: async () => ({ exitCode: 1, output: '' }) } as unknown as ExecService,
    silentLog,
  );
  // The monitor's own waits keep no process alive.
  const alive = setInterval(() => {}, 1000);
  t.after(() => {
    monitor.stop(container);
    clearInterval(alive);
  });
  monitor.start(container, { keepState: false });
  assert.equal(await told, 'health_status: unhealthy');
});
