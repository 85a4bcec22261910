import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SOCKET, formatHost, isLoopback, parseHost, parseMetricsAddress } from './hosts.ts';

test('`parseMetricsAddress()` wants a host and a port, and takes no host for every address', () => {
  assert.deepEqual(parseMetricsAddress('127.0.0.1:9323'), { host: '127.0.0.1', port: 9323 });
  assert.deepEqual(parseMetricsAddress('[::1]:9323'), { host: '::1', port: 9323 });
  assert.deepEqual(parseMetricsAddress(':9323'), { host: '::', port: 9323 });
  for (const text of ['9323', '127.0.0.1', 'http://a:1', 'a:0', 'a:70000']) {
    assert.throws(() => parseMetricsAddress(text), {
      message: `invalid metrics address ${JSON.stringify(text)}: want host:port`,
    });
  }
});

test('`parseHost()` fills in what is left out', () => {
  assert.deepEqual(parseHost('unix://'), { kind: 'unix', path: DEFAULT_SOCKET });
  assert.deepEqual(parseHost('unix:///a/../b.sock'), { kind: 'unix', path: '/b.sock' });
  assert.deepEqual(parseHost('tcp://'), { kind: 'tcp', host: 'localhost', port: 2375 });
  assert.deepEqual(parseHost('tcp://', true), { kind: 'tcp', host: 'localhost', port: 2376 });
  assert.deepEqual(parseHost('10.0.0.1'), { kind: 'tcp', host: '10.0.0.1', port: 2375 });
  assert.deepEqual(parseHost('tcp://:99'), { kind: 'tcp', host: 'localhost', port: 99 });
  assert.deepEqual(parseHost('tcp://[fd00::1]:99'), { kind: 'tcp', host: 'fd00::1', port: 99 });
  assert.deepEqual(parseHost('fd://'), { kind: 'fd', name: '' });
});

test('`parseHost()` names the text and what is wrong with it', () => {
  const wrong: Array<[string, RegExp]> = [
    ['http://a', /^invalid bind address \(http:\/\/a\): unsupported proto 'http'$/],
    ['tcp://a:1/path', /should not contain a path element$/],
    ['tcp://a:b', /want host:port$/],
    ['tcp://a:0', /invalid port: 0$/],
    ['tcp://a:70000', /invalid port: 70000$/],
    ['tcp://[zz]:1', /"zz" is not an IPv6 address$/],
    ['tcp://u@a:1', /want host:port$/],
    ['unix://unix:///a', /invalid unix address: unix:\/\/\/a$/],
    [`unix:///${'x'.repeat(107)}`, /at most 107 bytes$/],
  ];
  for (const [text, message] of wrong) assert.throws(() => parseHost(text), { message });
});

test('`formatHost()` gives back what `parseHost()` read', () => {
  for (const text of ['unix:///a.sock', 'tcp://[fd00::1]:99', 'tcp://localhost:1', 'fd://', 'fd://name']) {
    assert.equal(formatHost(parseHost(text)), text);
  }
});

test('`isLoopback()` knows what only this machine can reach', () => {
  for (const host of ['localhost', '127.0.0.1', '127.255.0.1', '::1']) assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '128.0.0.1', 'localhost.example', '::2'])
    assert.ok(!isLoopback(host), host);
});
