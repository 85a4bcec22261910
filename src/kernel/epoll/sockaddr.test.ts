import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerFrom, localAddressKey } from './packet-info.ts';
import { AF_INET, AF_INET6, portOf, setPort, socketAddress } from './sockaddr.ts';

describe('socketAddress()', () => {
  it('lays out IPv4 and IPv6 as the kernel reads them', () => {
    const four = socketAddress('172.17.0.2', 8080);
    assert.equal(four.family, AF_INET);
    assert.equal(four.bytes.toString('hex'), '02001f90ac1100020000000000000000');
    const six = socketAddress('fd00::2', 80);
    assert.equal(six.family, AF_INET6);
    assert.equal(six.bytes.toString('hex'), `0a00005000000000fd${'0'.repeat(28)}02${'0'.repeat(8)}`);
  });

  it('the port can be read and changed in place', () => {
    const { bytes } = socketAddress('::', 80);
    setPort(bytes, 65535);
    assert.equal(portOf(bytes), 65535);
  });

  it('refuses what is no address', () => {
    assert.throws(() => socketAddress('localhost', 80), { kind: 'invalid' });
  });
});

describe('answerFrom()', () => {
  /** A control message as recvmsg(2) gives it: length, level, type, data. */
  const control = (level: number, type: number, data: string) => {
    const bytes = Buffer.alloc(16 + data.length / 2);
    bytes.writeBigUInt64LE(BigInt(bytes.length), 0);
    bytes.writeInt32LE(level, 8);
    bytes.writeInt32LE(type, 12);
    bytes.write(data, 16, 'hex');
    return bytes;
  };

  it('answers from the IPv4 address spoken to, over whichever interface is the way', () => {
    const received = control(0, 8, '030000000a010009ffffffff');
    assert.equal(answerFrom(received)!.toString('hex', 16), '000000000a010009ffffffff');
    assert.equal(localAddressKey(received), '\n\x01\x00\t');
  });

  it('keeps the interface of an IPv6 link-local address only', () => {
    const address = (prefix: string) => `${prefix}${'0'.repeat(26)}02`;
    const index = '03000000';
    assert.equal(answerFrom(control(41, 50, address('fe80') + index))!.toString('hex', 32), index);
    assert.equal(answerFrom(control(41, 50, address('fd00') + index))!.toString('hex', 32), '00000000');
  });

  it('has no address to answer from after a multicast, or without control messages', () => {
    assert.equal(answerFrom(control(41, 50, `ff02${'0'.repeat(26)}0103000000`)), null);
    assert.equal(answerFrom(Buffer.alloc(0)), null);
  });
});
