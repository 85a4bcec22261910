import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BridgeportError } from '../base/errors.ts';
import { decodeJson, parseJson } from './body.ts';
import * as go from './decode.ts';
import { containerCreateBody } from './schemas/container.ts';
import { execCreateBody } from './schemas/exec.ts';
import { networkCreateBody } from './schemas/network.ts';

const parse = <T>(text: string, decoder: go.Decoder<T>): T =>
  decodeJson(parseJson(Buffer.from(text)), decoder);

function refuses(text: string, decoder: go.Decoder<unknown>, message: string | RegExp): void {
  assert.throws(
    () => parse(text, decoder),
    (error: unknown) => {
      assert.ok(error instanceof BridgeportError);
      assert.equal(error.kind, 'invalid');
      if (typeof message === 'string') assert.equal(error.message, message);
      else assert.match(error.message, message);
      return true;
    },
  );
}

test('a struct takes members in any case and ignores those it does not know', () => {
  const body = parse('{"image":"web","HOSTCONFIG":{"memory":5},"Nonsense":[1]}', containerCreateBody);
  assert.deepEqual(body, { Image: 'web', HostConfig: { Memory: 5 } });
});

test('null leaves a member unset, except where null says something', () => {
  const body = parse(
    '{"Image":null,"Labels":null,"Cmd":null,"HostConfig":{"Binds":null,"Memory":null}}',
    containerCreateBody,
  );
  assert.deepEqual(body, { Cmd: null, HostConfig: { Binds: null } });
});

test('null inside lists and maps is the zero value', () => {
  const body = parse(
    '{"Env":["A=1",null],"Labels":{"a":null},"ExposedPorts":{"80/tcp":null}}',
    containerCreateBody,
  );
  assert.deepEqual(body, { Env: ['A=1', ''], Labels: { a: '' }, ExposedPorts: { '80/tcp': {} } });
});

test('a published port may have no bindings, null or some', () => {
  const text = '{"HostConfig":{"PortBindings":{"1/tcp":null,"2/tcp":[],"3/tcp":[{"HostPort":"8080"}]}}}';
  assert.deepEqual(parse(text, containerCreateBody).HostConfig?.PortBindings, {
    '1/tcp': null,
    '2/tcp': [],
    '3/tcp': [{ HostIp: '', HostPort: '8080' }],
  });
});

test('`Cmd` and `Entrypoint` may be one string', () => {
  assert.deepEqual(parse('{"Cmd":"sh","Entrypoint":["a","b"]}', containerCreateBody), {
    Cmd: ['sh'],
    Entrypoint: ['a', 'b'],
  });
  assert.deepEqual(parse('{"Cmd":"id"}', execCreateBody), { Cmd: ['id'] });
});

test('members that must be there get their zero value', () => {
  assert.deepEqual(parse('{}', networkCreateBody), { Name: '' });
  assert.deepEqual(parse('', networkCreateBody), { Name: '' });
  assert.deepEqual(parse('null', execCreateBody), { Cmd: [] });
});

test('numbers beyond 2^53 are taken', () => {
  const { HostConfig } = parse('{"HostConfig":{"Memory":9223372036854775807}}', containerCreateBody);
  assert.equal(HostConfig?.Memory, 2 ** 63);
});

test('a wrong type names the field and quotes the value', () => {
  refuses(
    '{"HostConfig":{"Memory":"64m"}}',
    containerCreateBody,
    'invalid JSON: json: cannot unmarshal string "64m" into field HostConfig.Memory of type int64',
  );
  refuses('{"Image":5}', containerCreateBody, /number 5 into field Image of type string/);
  refuses('{"Env":"A=1"}', containerCreateBody, /string "A=1" into field Env of type \[\]string/);
  refuses('{"Env":[{}]}', containerCreateBody, /object {} into field Env\[0\] of type string/);
  refuses('{"Labels":{"a":1}}', containerCreateBody, /field Labels\["a"\] of type string/);
  refuses('{"Tty":"true"}', containerCreateBody, /string "true" into field Tty of type bool/);
  refuses('{"HostConfig":{"Memory":1.5}}', containerCreateBody, /number 1.5 into field HostConfig.Memory/);
  refuses('{"HostConfig":{"BlkioWeight":70000}}', containerCreateBody, /of type uint16/);
  refuses('{"ExposedPorts":["80"]}', containerCreateBody, /array \["80"\] into field ExposedPorts/);
  refuses('[]', containerCreateBody, /cannot unmarshal array \[\] into value of type CreateRequest/);
});

test('a long value is quoted in part', () => {
  refuses(`{"Tty":"${'x'.repeat(1000)}"}`, containerCreateBody, /^.{0,200}$/);
});

test('unknown names of a fixed set are refused in words of their own', () => {
  refuses('{"HostConfig":{"RestartPolicy":{"Name":"maybe"}}}', containerCreateBody, /unknown policy 'maybe'/);
  refuses('{"HostConfig":{"Mounts":[{"Type":"nfs"}]}}', containerCreateBody, /mount config for type "nfs"/);
});

test('text that is not JSON gets Go’s words', () => {
  refuses('{', containerCreateBody, 'invalid JSON: unexpected EOF');
  refuses('  ', containerCreateBody, 'invalid JSON: got EOF while reading request body');
  refuses('{"Image":"x"} {}', containerCreateBody, 'unexpected content after JSON');
  refuses('nonsense', containerCreateBody, /^invalid JSON: invalid character 'o'/);
  refuses('{"a":01}', containerCreateBody, /^invalid JSON: /);
});

test('`__proto__` is a name like any other', () => {
  const body = parse('{"Labels":{"__proto__":"x"},"__proto__":{"Image":"y"}}', containerCreateBody);
  assert.deepEqual(Object.entries(body.Labels ?? {}), [['__proto__', 'x']]);
  assert.equal(body.Image, undefined);
  assert.equal(({} as Record<string, unknown>).x, undefined);
});

test('a pair has two numbers, whatever came', () => {
  assert.deepEqual(go.pair.decode([1], ''), [1, 0]);
  assert.deepEqual(go.pair.decode([1, 2, 3], ''), [1, 2]);
});
