/** What most scenario files begin with: a host and a daemon for all of a file's tests, swept after each of them. */

import { after, afterEach, before } from 'node:test';
import type { Client, ClientName } from './client.ts';
import { type DaemonOptions, startDaemon, type TestDaemon } from './daemon.ts';
import { createHost, type HostOptions, type TestHost } from './host.ts';

export interface StageOptions extends DaemonOptions, HostOptions {
  /** Which command line `cli` is; default docker's. */
  client?: ClientName;
}

export interface Stage {
  readonly host: TestHost;
  readonly daemon: TestDaemon;
  readonly cli: Client;
}

/**
 * Registers hooks in the suite that is being described: before its first test the host, the daemon and its images are
 * made; after each test every container and network is removed, and nothing of them may remain; after the last one all of it goes.
 */
export function useStage(options: StageOptions = {}): Stage {
  let host: TestHost | undefined;
  let daemon: TestDaemon | undefined;
  const made = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the stage is there in tests only');
    return value;
  };
  before(async () => {
    host = await createHost(options);
    daemon = await startDaemon(host, options);
  });
  afterEach(async (context) => {
    if (daemon === undefined) return;
    // The daemon's own words, for the reader of a failure.
    // @types/node does not know `passed` yet.
    if ((context as { passed?: boolean }).passed === false)
      console.error(`${context.name}:\n${daemon.logTail()}`);
    if (!daemon.running) await daemon.start();
    await daemon.removeContainers();
    await daemon.removeNetworks();
    await daemon.expectNoResidue();
  });
  after(async () => {
    await host?.dispose();
  });
  return {
    get host() {
      return made(host);
    },
    get daemon() {
      return made(daemon);
    },
    get cli() {
      return made(daemon).client(options.client ?? 'docker');
    },
  };
}
