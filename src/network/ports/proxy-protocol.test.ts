import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyProtocolPorts } from './proxy-protocol.ts';

const label = (port: string, value = 'v2') => ({ [`bridgeport.port.${port}.proxy-protocol`]: value });

test('`proxyProtocolPorts()` reads ports and ranges, tcp when nothing else is said, and leaves other labels alone', () => {
  const labels = { ...label('80/tcp'), ...label('8000-8010'), 'bridgeport.net.egress': '1mbit', other: 'x' };
  assert.deepEqual(proxyProtocolPorts(labels), [
    { start: 80, end: 80 },
    { start: 8000, end: 8010 },
  ]);
});

test('`proxyProtocolPorts()` refuses other versions, other protocols and what is no port', () => {
  const refuse = (labels: Record<string, string>, message: RegExp) =>
    assert.throws(() => proxyProtocolPorts(labels), { kind: 'invalid', message });
  refuse(label('80', 'v1'), /bridgeport\.port\.80\.proxy-protocol=v1: the version has to be v2/);
  refuse(label('53/udp'), /is for TCP ports/);
  refuse(label('eighty'), /invalid port range: "eighty"/);
  refuse(label('0'), /0 is no port/);
});
