import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { extract } from 'tar-stream';
import { encodeHeader, padding, TAR_END, type TarHeader } from './tar-header.ts';

const header = (fields: Partial<Omit<TarHeader, 'name'>> & { name?: string | Buffer }): TarHeader => ({
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 1_700_000_000,
  ...fields,
  name: Buffer.from((fields.name ?? 'file') as Buffer),
});

async function decode(...blocks: Buffer[]) {
  const reader = extract();
  reader.end(Buffer.concat([...blocks, TAR_END]));
  const headers = [];
  for await (const entry of reader) {
    headers.push(entry.header);
    entry.resume();
  }
  return headers;
}

const attribute = (pax: unknown, name: string) =>
  (pax as Record<string, string> | undefined)?.[`SCHILY.xattr.${name}`] ?? '';

/** What GNU tar says of an archive. */
const listed = (...blocks: Buffer[]) =>
  execFileSync('tar', ['--list', '--verbose', '--numeric-owner', '--utc', '--quoting-style=escape'], {
    input: Buffer.concat([...blocks, TAR_END]),
    encoding: 'utf8',
  });

describe('encodeHeader()', () => {
  it('`encodeHeader()` is read back by tar-stream and GNU tar', async () => {
    const encoded = encodeHeader(header({ name: 'a/f', mode: 0o4755, uid: 1000, gid: 1001 }));
    assert.equal(encoded.length, 512);
    const [read] = await decode(encoded);
    assert.deepEqual(
      [read?.name, read?.mode, read?.uid, read?.gid, read?.mtime.getTime()],
      ['a/f', 0o4755, 1000, 1001, 1_700_000_000_000],
    );
    assert.equal(listed(encoded), '-rwsr-xr-x 1000/1001         0 2023-11-14 22:13 a/f\n');
  });

  it('`encodeHeader()` keeps long names and targets', async () => {
    const name = `${'d/'.repeat(120)}f`;
    const target = '../'.repeat(50);
    const encoded = encodeHeader(header({ name, type: 'symlink', linkName: Buffer.from(target) }));
    const [read] = await decode(encoded);
    assert.deepEqual([read?.name, read?.linkname, read?.type], [name, target, 'symlink']);
    assert.ok(listed(encoded).includes(`${name} -> ${target}`));
    // 100 bytes are the most that fit without an entry of their own.
    assert.equal(encodeHeader(header({ name: 'x'.repeat(100) })).length, 512);
    assert.equal(encodeHeader(header({ name: 'x'.repeat(101) })).length, 3 * 512);
  });

  it('`encodeHeader()` keeps names that are no UTF-8', () => {
    assert.ok(listed(encodeHeader(header({ name: Buffer.of(0x61, 0xff, 0x62) }))).includes('a\\377b'));
  });

  it('`encodeHeader()` writes numbers that octal digits cannot hold', async () => {
    const [read] = await decode(
      encodeHeader(header({ type: 'directory', uid: 4_294_967_294, mtime: -86_400 })),
    );
    assert.equal(read?.uid, 4_294_967_294);
    const encoded = encodeHeader(header({ size: 20 * 2 ** 30, mtime: -86_400 }));
    // The size is 12 bytes, big endian, the first bit set; a negative time is a two's complement.
    assert.equal(encoded.toString('hex', 124, 136), '800000000000000500000000');
    assert.equal(encoded.toString('hex', 136, 148), 'fffffffffffffffffffeae80');
  });

  it('`encodeHeader()` writes devices and attributes', async () => {
    const device = encodeHeader(header({ type: 'character', device: { major: 1, minor: 3 } }));
    assert.match(listed(device), /^crw-r--r-- 0\/0 +1,3 /);
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
    const encoded = encodeHeader(header({ xattrs: new Map([['security.capability', capability]]) }));
    const [read] = await decode(encoded);
    assert.deepEqual(Buffer.from(attribute(read?.pax, 'security.capability')), capability);
  });

  it('`encodeHeader()` counts the digits of a pax record in its length, also where they grow', async () => {
    for (let length = 60; length < 75; length++) {
      const value = Buffer.alloc(length, 'v');
      const [read] = await decode(encodeHeader(header({ xattrs: new Map([['user.k', value]]) })));
      assert.equal(attribute(read?.pax, 'user.k'), value.toString());
    }
  });
});

it('`padding()` fills blocks of 512 bytes', () => {
  assert.deepEqual([0, 1, 511, 512, 513].map(padding), [0, 511, 1, 0, 511]);
});
