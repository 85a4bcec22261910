/** Namespaces for root tests: made under a directory of their own, gone when the scope ends. Not for the product. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createNetns,
  type NetnsHandle,
  openNetns,
  prepareNetnsDirectory,
  releaseNetnsDirectory,
  removeNetns,
} from '../netns/index.ts';

export interface TestNetworks extends Disposable {
  /** Makes a namespace and opens it; the path is `handle.path`. */
  create(name: string): NetnsHandle;
  readonly directory: string;
}

/** `using networks = testNetworks(); const host = networks.create('host');` Disposing may be repeated. */
export function testNetworks(): TestNetworks {
  const directory = mkdtempSync(join(tmpdir(), 'bp-test-netns-'));
  prepareNetnsDirectory(directory);
  const handles: NetnsHandle[] = [];
  return {
    directory,
    create(name) {
      const path = join(directory, name);
      createNetns(path);
      const handle = openNetns(path);
      handles.push(handle);
      return handle;
    },
    [Symbol.dispose]() {
      for (const handle of handles) {
        handle.close();
        removeNetns(handle.path);
      }
      releaseNetnsDirectory(directory);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
