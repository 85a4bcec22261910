import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKind } from '../../base/errors.ts';
import { renderConfig } from './config.ts';

test('`renderConfig()` quotes paths and keeps every listener on a socket', () => {
  const text = renderConfig({ root: '/data/"odd"\\', state: '/run/x', socket: '/run/x/c.sock' });
  assert.match(text, /^root = "\/data\/\\"odd\\"\\\\"$/m);
  assert.match(text, /^ {2}address = "\/run\/x\/c\.sock"$/m);
  assert.match(text, /^ {2}address = "\/run\/x\/c\.sock\.ttrpc"$/m);
  assert.doesNotMatch(text, /tcp/);
});

test('`renderConfig()` refuses a socket path that does not fit in sun_path', () => {
  const options = { root: '/r', state: '/s' };
  renderConfig({ ...options, socket: `/${'x'.repeat(100)}` });
  assert.throws(
    () => renderConfig({ ...options, socket: `/${'x'.repeat(101)}` }),
    (error) => isKind(error, 'invalid') && /102 bytes, at most 101 fit/.test(error.message),
  );
});
