/**
 * Servers behind published ports: nginx and iperf3, Debian's, in the network of a container that does nothing. They are no
 * processes of the container, so that `Side.cpuTime()` has the cost of the way to them and not theirs.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Netns } from '../../test/harness/netns.ts';
import type { Side } from './side.ts';

/** Ports of the host and of the container. */
export const WEB = { host: 8080, container: 80 };
export const IPERF = { host: 5201, container: 5201 };

/**
 * Through the userland proxy, for sure: neither daemon has rules that lead the host's own IPv6 to a container with IPv4 alone.
 */
export const PROXIED = '::1';

/**
 * Words before a load generator or a server: a session of its own. The scheduler gives each session its share (autogroup, sched(7))
 * and goes on within one as long as it can, so that a proxy in the session of its clients and servers would do better on a busy
 * machine than the same proxy elsewhere. docker-proxy is in dockerd's session, our keeper in its own; clients are in neither.
 */
export const APART = ['setsid'];

const NGINX_CONF = (folder: string) => `
worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/errors;
events { worker_connections 20000; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server { listen ${WEB.container} backlog=4096; location / { return 200 "hello\\n"; } }
}
`;

/** Throws unless all of these programs are there. */
export function needPrograms(...names: string[]): void {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  const has = (name: string) =>
    folders.some((folder) => {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
  const missing = names.filter((name) => !has(name));
  if (missing.length > 0) throw new Error(`${missing.join(', ')} missing: run bench/setup first`);
}

export interface Servers extends AsyncDisposable {
  /** The container's own address. */
  readonly address: string;
}

/** Starts both servers behind published ports; they are gone, with the container, when disposed of. */
export async function startServers(side: Side): Promise<Servers> {
  needPrograms('wrk', 'nginx', 'iperf3');
  const bindings = Object.fromEntries(
    [WEB, IPERF].map(({ host, container }) => [`${container}/tcp`, [{ HostPort: `${host}` }]]),
  );
  const id = await side.create({ exposed: Object.keys(bindings), hostConfig: { PortBindings: bindings } });
  await side.api('POST', `/v1.41/containers/${id}/start`);
  const { State, NetworkSettings } = JSON.parse(await side.api('GET', `/v1.41/containers/${id}/json`)) as {
    State: { Pid: number };
    NetworkSettings: { IPAddress: string };
  };
  const folder = join(side.host.root, 'nginx');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'conf'), NGINX_CONF(folder));
  // They end with the bench, however that ends: nobody else would miss them.
  const inside = (...command: string[]) =>
    spawn(
      'setpriv',
      ['--pdeathsig', 'TERM', 'nsenter', `--net=/proc/${State.Pid}/ns/net`, '--', ...command],
      { stdio: 'ignore', detached: true },
    );
  const servers = [inside('nginx', '-c', join(folder, 'conf')), inside('iperf3', '-s')];
  await side.host.getSoon(`http://[${PROXIED}]:${WEB.host}/`);
  return {
    address: NetworkSettings.IPAddress,
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map(end));
      await side.clear();
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

export interface WrkOptions {
  /** Seconds. */
  seconds: number;
  /** Address as it stands in a URL, and port. */
  at: string;
  /** Whether each request has a connection of its own. */
  close?: boolean;
  /** Default the side's host itself. */
  from?: Netns;
}

/** 32 connections, one thread. @returns requests per second; fails when one of them failed */
export async function wrk(
  side: Side,
  { seconds, at, close = false, from = side.host }: WrkOptions,
): Promise<number> {
  const header = close ? ['-H', 'Connection: close'] : [];
  const text = await from.ok(...APART, 'wrk', '-t1', '-c32', `-d${seconds}s`, ...header, `http://${at}/`);
  const failed = /Socket errors: .*|Non-2xx .*/.exec(text)?.[0];
  if (failed !== undefined) throw new Error(`${side.program}: wrk to ${at}: ${failed}`);
  return Number(/Requests\/sec: +([\d.]+)/.exec(text)?.[1]);
}

/** @returns Gbit/s as the receiver saw it */
export async function iperf(side: Side, seconds: number, address: string, port: number): Promise<number> {
  const text = await side.host.ok(
    ...APART,
    'iperf3',
    '-c',
    address,
    '-p',
    `${port}`,
    '-t',
    `${seconds}`,
    '-J',
  );
  const { end: summary } = JSON.parse(text) as { end: { sum_received: { bits_per_second: number } } };
  return summary.sum_received.bits_per_second / 1e9;
}
