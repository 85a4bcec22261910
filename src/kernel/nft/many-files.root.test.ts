import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, it } from 'node:test';
import { type TestNetworks, testNetworks } from '../testing/netns.ts';

/** As a daemon with hundreds of containers: numbers from 1024 on are all that is left. What goes wrong ends the process. */
const SCRIPT = `
  import { openSync } from 'node:fs';
  import { keepLowDescriptors } from '${new URL('../ffi/low-descriptors.ts', import.meta.url)}';
  import { NftContext } from '${new URL('index.ts', import.meta.url)}';
  keepLowDescriptors();
  while (openSync('/dev/null') < 1100);
  const [path] = process.argv.slice(1);
  const open = Array.from({ length: 8 }, () => NftContext.open(path));
  for (const [at, nft] of open.entries()) nft.run('add table ip t' + at);
  for (const nft of open) nft.close();
  for (let time = 0; time < 40; time++) {
    using nft = NftContext.open(path);
    nft.run('add table ip again; delete table ip again');
  }
  using nft = NftContext.open(path);
  console.log(nft.tables().length);
`;

let networks: TestNetworks;
before(() => {
  networks = testNetworks();
});
after(() => {
  networks?.[Symbol.dispose]();
});

it('`NftContext` works in a process that has more than 1024 files open, where select(2) ends', () => {
  const { path } = networks.create('many');
  const args = [
    '--disable-warning=ExperimentalWarning',
    '--input-type=module-typescript',
    '-e',
    SCRIPT,
    path,
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
  assert.deepEqual([status, stdout.trim()], [0, '8'], stderr);
});
