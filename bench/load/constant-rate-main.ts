/**
 * The program behind `constantRate()`: options as JSON in its argument, the result as JSON on standard output. On epoll by FFI,
 * because Node's own sockets and timers would add more to each answer than what is to be measured.
 */

import { EPOLLIN } from '../../src/kernel/epoll/loop.ts';
import { socketAddress } from '../../src/kernel/epoll/sockaddr.ts';
import { IPPROTO_TCP, SOCK_STREAM, setOption, TCP_NODELAY } from '../../src/kernel/epoll/socket.ts';
import { check, libc } from '../../src/kernel/ffi/libc.ts';
import { quantile } from '../stats.ts';
import type { ConstantRateOptions, ConstantRateResult } from './constant-rate.ts';

const EPOLL_CTL_ADD = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
/** `struct epoll_event` in 32-bit words, packed on x86-64 only. */
const WORDS = process.arch === 'x64' ? 3 : 4;
const DATA = process.arch === 'x64' ? 1 : 2;
const MOST_EVENTS = 512;
/** `PR_SET_TIMERSLACK` of `<sys/prctl.h>`: 50 µs by default, half of what lies between two requests. */
const PR_SET_TIMERSLACK = 29;
/** Milliseconds of the beginning that do not count: code is still being compiled. */
const WARM_UP = 500;
/** Milliseconds that the last answers may take. */
const PATIENCE = 1000;

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: bench\r\n\r\n');
/** How an answer begins; no part of one looks like it. */
const STATUS = Buffer.from('HTTP/1.1 200');

const {
  host,
  port,
  rate,
  seconds,
  connections,
  together = 1,
} = JSON.parse(process.argv[2] ?? '') as ConstantRateOptions;
const calls = libc();
const epfd = check(calls.epoll_create1(0), 'create an epoll instance');
const events = new Int32Array(WORDS * MOST_EVENTS);
const eventBytes = new Uint8Array(events.buffer);
const input = Buffer.alloc(64 << 10);

/** By descriptor: when the requests were sent that are not answered yet, oldest first. */
const pending = new Map<number, number[]>();
const fds = Array.from({ length: connections }, () => {
  const { family, bytes } = socketAddress(host, port);
  const fd = check(calls.socket(family, SOCK_STREAM, 0), 'open a socket');
  check(calls.connect(fd, bytes, bytes.length), `connect to ${host} ${port}`);
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  events[0] = EPOLLIN;
  events[DATA] = fd;
  check(calls.epoll_ctl(epfd, EPOLL_CTL_ADD, fd, eventBytes), `watch descriptor ${fd}`);
  pending.set(fd, []);
  return fd;
});

/** `struct timespec`: seconds, which stay 0, and nanoseconds. */
const wait = new BigInt64Array(2);
const waitBytes = new Uint8Array(wait.buffer);
check(calls.prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0), 'have timers on time');

const begin = performance.now();
const total = rate * seconds;
const times: number[] = [];
let sent = 0;
let answered = 0;

/** Takes the answers that have come, after at most `timeout` milliseconds. */
function receive(timeout: number): void {
  wait[1] = BigInt(Math.max(0, Math.round(timeout * 1e6)));
  const count = calls.epoll_pwait2(epfd, eventBytes, MOST_EVENTS, waitBytes, null);
  const now = performance.now();
  for (let index = 0; index < count; index++) {
    const fd = events[index * WORDS + DATA] ?? -1;
    const length = calls.recv(fd, input, input.length, MSG_DONTWAIT);
    if (length <= 0) throw new Error(`a connection ended after ${answered} answers`);
    const bytes = input.subarray(0, length);
    const waiting = pending.get(fd) ?? [];
    for (let at = bytes.indexOf(STATUS); at !== -1; at = bytes.indexOf(STATUS, at + 1)) {
      answered++;
      const since = waiting.shift() ?? now;
      if (since - begin > WARM_UP) times.push(now - since);
    }
  }
}

/** When a request is due, in milliseconds of `performance.now()`. */
function dueAt(index: number): number {
  return begin + ((index - (index % together) + together) * 1000) / rate;
}

/** Sends every request that is due. */
function send(): void {
  const now = performance.now();
  for (; sent < total && dueAt(sent) <= now; sent++) {
    const fd = fds[sent % fds.length] as number;
    if (calls.send(fd, REQUEST, REQUEST.length, MSG_DONTWAIT | MSG_NOSIGNAL) !== REQUEST.length) {
      throw new Error(`a connection takes no more requests after ${sent}`);
    }
    pending.get(fd)?.push(now);
  }
}

while (sent < total) {
  send();
  receive(dueAt(sent) - performance.now());
}
const until = performance.now() + PATIENCE;
while (answered < total && performance.now() < until) receive(10);

const result: ConstantRateResult = {
  sent,
  answered,
  p50: quantile(times, 0.5) ?? Number.NaN,
  p99: quantile(times, 0.99) ?? Number.NaN,
  p999: quantile(times, 0.999) ?? Number.NaN,
};
process.stdout.write(JSON.stringify(result));
