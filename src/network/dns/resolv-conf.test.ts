import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '../../base/log.ts';
import { ndots, parseResolvConf, type ResolvConf } from './resolv-conf.ts';
import { watchResolvConf } from './watch-resolv-conf.ts';

describe('resolv.conf', () => {
  it('`parseResolvConf()` reads servers, search list and options', () => {
    const text = `# made by hand
nameserver 127.0.0.53
nameserver 2001:db8::53 ; second
nameserver fe80::1%eth0
nameserver 127.0.0.53
nameserver nonsense
domain old.example
search a.example  b.example .
options ndots:2 edns0
options timeout:1
; nameserver 192.0.2.9
`;
    assert.deepEqual(parseResolvConf(text), {
      nameservers: ['127.0.0.53', '2001:db8::53', 'fe80::1%eth0'],
      search: ['a.example', 'b.example'],
      options: ['ndots:2', 'edns0', 'timeout:1'],
    });
    assert.deepEqual(parseResolvConf(''), { nameservers: [], search: [], options: [] });
  });

  it('`ndots()` is what the last option says that says it well', () => {
    assert.equal(ndots([]), 0);
    assert.equal(ndots(['ndots:2', 'edns0', 'ndots:x']), 2);
    assert.equal(ndots(['ndots:2', 'ndots:0']), 0);
  });

  it('`watchResolvConf()` sees edits, replacements and what a symbolic link leads to', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'bp-resolv-'));
    const path = join(directory, 'etc', 'resolv.conf');
    const target = join(directory, 'run', 'stub.conf');
    mkdirSync(join(directory, 'etc'));
    mkdirSync(join(directory, 'run'));
    writeFileSync(path, 'nameserver 192.0.2.1\n');
    const seen: ResolvConf[] = [];
    const changed = async (address: string) => {
      for (let turn = 0; turn < 200 && seen.at(-1)?.nameservers[0] !== address; turn++) await sleep(10);
      assert.equal(seen.at(-1)?.nameservers[0], address);
    };
    const watch = watchResolvConf({
      path,
      onChange: (conf) => seen.push(conf),
      log: silentLog,
      interval: 60_000,
      settle: 5,
    });
    try {
      assert.deepEqual(watch.current.nameservers, ['192.0.2.1']);
      writeFileSync(path, 'nameserver 192.0.2.2\n');
      await changed('192.0.2.2');
      writeFileSync(`${path}.new`, 'nameserver 192.0.2.3\n');
      renameSync(`${path}.new`, path);
      await changed('192.0.2.3');
      writeFileSync(target, 'nameserver 127.0.0.53\n');
      symlinkSync(target, `${path}.new`);
      renameSync(`${path}.new`, path);
      await changed('127.0.0.53');
      writeFileSync(`${target}.new`, 'nameserver 192.0.2.4\n');
      renameSync(`${target}.new`, target);
      await changed('192.0.2.4');
      const count = seen.length;
      writeFileSync(target, '# a comment\nnameserver 192.0.2.4\n');
      rmSync(target);
      await sleep(50);
      assert.equal(seen.length, count, 'a missing file changes nothing');
      assert.deepEqual(watch.current.nameservers, ['192.0.2.4']);
    } finally {
      watch[Symbol.dispose]();
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('`watchResolvConf()` also looks now and then, and stops when disposed of', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'bp-resolv-'));
    const seen: ResolvConf[] = [];
    const watch = watchResolvConf({
      path: join(directory, 'missing', 'resolv.conf'),
      onChange: (conf) => seen.push(conf),
      log: silentLog,
      interval: 20,
    });
    try {
      assert.deepEqual(watch.current.nameservers, []);
      mkdirSync(join(directory, 'missing'));
      writeFileSync(join(directory, 'missing', 'resolv.conf'), 'nameserver 192.0.2.1\n');
      for (let turn = 0; turn < 200 && seen.length === 0; turn++) await sleep(10);
      assert.deepEqual(seen.at(-1)?.nameservers, ['192.0.2.1']);
    } finally {
      watch[Symbol.dispose]();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
