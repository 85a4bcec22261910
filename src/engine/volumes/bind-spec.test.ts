import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BindSpec, checkTarget, parseBind } from './bind-spec.ts';

const base: BindSpec = {
  source: undefined,
  isPath: false,
  target: '/data',
  readOnly: false,
  propagation: '',
  copy: true,
  mode: '',
};

test('a path of the host, a name, and nothing before the target', () => {
  assert.deepEqual(parseBind('/srv:/data'), { ...base, source: '/srv', isPath: true });
  assert.deepEqual(parseBind('vol.1_x-y:/data'), { ...base, source: 'vol.1_x-y' });
  assert.deepEqual(parseBind('/data'), base);
});

test('options: access, propagation, copying, labels', () => {
  assert.deepEqual(parseBind('/srv:/data:ro'), {
    ...base,
    source: '/srv',
    isPath: true,
    readOnly: true,
    mode: 'ro',
  });
  assert.deepEqual(parseBind('/srv:/data:rw,rslave,Z'), {
    ...base,
    source: '/srv',
    isPath: true,
    propagation: 'rslave',
    mode: 'rw,rslave,Z',
  });
  assert.deepEqual(parseBind('vol:/data:nocopy,ro'), {
    ...base,
    source: 'vol',
    readOnly: true,
    copy: false,
    mode: 'nocopy,ro',
  });
});

test('the target is tidied', () => {
  assert.equal(parseBind('/srv:/data//x/../').target, '/data');
  assert.equal(checkTarget('/a/./b/', ''), '/a/b');
});

test('modes that mean nothing, or two things, are refused', () => {
  for (const mode of ['xx', 'ro,rw', 'ro,ro', 'shared,private', 'nocopy', 'z,Z', 'RO']) {
    assert.throws(() => parseBind(`/srv:/data:${mode}`), {
      kind: 'invalid',
      message: `invalid mode: ${mode}`,
    });
  }
  for (const mode of ['shared', 'cached', 'nocopy,nocopy']) {
    assert.throws(() => parseBind(`vol:/data:${mode}`), {
      kind: 'invalid',
      message: `invalid mode: ${mode}`,
    });
  }
});

test('a specification with an empty or a superfluous part is refused, quoted', () => {
  for (const text of ['', ':', ':/data', '/srv:', '/srv:/data:', '/srv:/data:ro:x', '::']) {
    assert.throws(() => parseBind(text), {
      kind: 'invalid',
      message: `invalid volume specification: '${text}'`,
    });
  }
});

test('a target that is relative or the root is refused', () => {
  assert.throws(() => parseBind('/srv:data'), /mount path must be absolute: 'data'/);
  assert.throws(() => parseBind('data'), /mount path must be absolute: 'data'/);
  for (const target of ['/', '//', '/a/..']) {
    assert.throws(() => parseBind(`/srv:${target}`), /destination can't be '\/'/, target);
  }
});

test('a relative host path is told from a name', () => {
  for (const source of ['./srv', '../srv', '~/srv', 'srv/x', '.']) {
    assert.throws(
      () => parseBind(`${source}:/data`),
      /If you intended to pass a host directory, use absolute path/,
    );
  }
});
