import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { socketAddress } from '../kernel/epoll/sockaddr.ts';
import { encodeProxyHeader } from './proxy-header.ts';

describe('encodeProxyHeader()', () => {
  const encode = (client: string, host: string) =>
    encodeProxyHeader(socketAddress(client, 40000).bytes, socketAddress(host, 8080).bytes).toString('hex');

  it('writes IPv4 and IPv6 as the protocol has them', () => {
    assert.equal(encode('10.1.0.2', '10.1.0.1'), '0d0a0d0a000d0a515549540a2111000c0a0100020a0100019c401f90');
    assert.equal(
      encode('fd01::2', 'fd01::1'),
      `0d0a0d0a000d0a515549540a21210024fd01${'0'.repeat(26)}02fd01${'0'.repeat(26)}019c401f90`,
    );
  });
});
