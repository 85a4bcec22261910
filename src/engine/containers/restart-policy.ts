/** `--restart`: whether a container that has ended is started again. Pure. */

import type { ContainerRecord } from './record.ts';

/** For an end while the daemon lives. A stop by the user ends every policy. */
export function shouldRestart(record: ContainerRecord, exitCode: number): boolean {
  const { Name: name, MaximumRetryCount: most } = record.hostConfig.RestartPolicy;
  if (record.stoppedByUser || record.removing) return false;
  switch (name) {
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return exitCode !== 0 && (most === 0 || record.restartCount < most);
    default:
      return false;
  }
}

/** For the start of the daemon: `always` comes back even when the user had stopped it. */
export function shouldStartWithDaemon(record: ContainerRecord): boolean {
  if (record.removing || record.state.status === 'created') return false;
  return record.hostConfig.RestartPolicy.Name === 'always' || shouldRestart(record, record.state.exitCode);
}
