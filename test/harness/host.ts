/** A machine for a test: a network namespace with a LAN, and a neighbour there behind whom the world is. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ok } from './exec.ts';
import { Netns } from './netns.ts';
import { type Belongings, cutPower, tearDown } from './teardown.ts';

export interface HostOptions {
  /** A word in the names of its namespaces, to tell hosts apart. */
  name?: string;
  /** Whether there is a second neighbour, on a LAN of its own. */
  secondLan?: boolean;
}

/** The host's own addresses on its LAN. */
export const HOST_IP = '10.99.0.2';
export const HOST_IP6 = 'fd99::2';
/** The neighbour, who is also the default gateway. */
export const WORLD_IP = '10.99.0.1';
export const WORLD_IP6 = 'fd99::1';
/** An address that only the default route leads to. */
export const FAR_IP = '203.0.113.9';
/** The host and its neighbour on the second LAN, if there is one. */
export const SECOND_HOST_IP = '10.98.0.2';
export const SECOND_LAN_IP = '10.98.0.1';

/** Namespaces have addresses of their own: every host has the same ones. */
export class TestHost extends Netns {
  /** The other machine on its LAN, and the way to everywhere. */
  readonly world: Netns;
  /** The machine on its second LAN. */
  readonly lan: Netns | undefined;
  /** A folder of its own with a short path (unix(7): paths of sockets have at most 107 bytes). */
  readonly root: string;
  /** The cgroup below which its containers are. */
  readonly cgroup: string;
  readonly #onExit = () => {
    this.#end();
  };

  constructor(name: string, root: string, secondLan: boolean) {
    super(name);
    this.world = new Netns(`${name}-w`);
    this.lan = secondLan ? new Netns(`${name}-l`) : undefined;
    this.root = root;
    this.cgroup = `bridgeport-${name}`;
    // A test file whose time is over gets SIGTERM; nothing may stay behind even then.
    process.once('exit', this.#onExit);
    trapSignals();
  }

  /** Pulls its plug and puts it in again: processes, links and rules are gone, files are there. */
  async powerCut(): Promise<void> {
    cutPower(this.#belongings());
    await ok(['sh', '-ec', wiring(this)]);
  }

  /** Ends every process of it and takes everything away. Fails when anything resists. */
  async dispose(): Promise<void> {
    process.off('exit', this.#onExit);
    assert.deepEqual(this.#end(), [], 'the test host leaves nothing behind');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #end(): string[] {
    return tearDown(this.#belongings());
  }

  #belongings(): Belongings {
    const namespaces = [this.name, this.world.name, ...(this.lan === undefined ? [] : [this.lan.name])];
    return { root: this.root, cgroup: this.cgroup, namespaces };
  }
}

export async function createHost(options: HostOptions = {}): Promise<TestHost> {
  const name = `bpt-${options.name ?? 'host'}-${randomBytes(3).toString('hex')}`;
  const root = mkdtempSync(join(tmpdir(), 'bp-'));
  const host = new TestHost(name, root, options.secondLan ?? false);
  try {
    await ok(['sh', '-ec', wiring(host)]);
  } catch (error) {
    await host.dispose();
    throw error;
  }
  return host;
}

/** Names hold nothing that a shell would take for more than a letter. */
function wiring(host: TestHost): string {
  const pair = (name: string, link: string, other: string, net: string, net6: string) => `
    ip netns add ${other}
    ip -n ${other} link set lo up
    ip link add ${link} netns ${name} type veth peer name eth0 netns ${other}
    ip -n ${name} addr add ${net}.2/24 dev ${link}
    ip -n ${other} addr add ${net}.1/24 dev eth0
    ip -n ${name} addr add ${net6}::2/64 dev ${link} nodad
    ip -n ${other} addr add ${net6}::1/64 dev eth0 nodad
    ip -n ${name} link set ${link} up
    ip -n ${other} link set eth0 up`;
  const { name, world, lan } = host;
  return `
    ip netns add ${name}
    ip -n ${name} link set lo up
    ${pair(name, 'eth0', world.name, '10.99.0', 'fd99')}
    ip -n ${name} route add default via ${WORLD_IP}
    ip -n ${name} -6 route add default via ${WORLD_IP6}
    ip -n ${world.name} addr add ${FAR_IP}/32 dev lo
    ${lan === undefined ? '' : pair(name, 'eth1', lan.name, '10.98.0', 'fd98')}
    # A machine that forwards nothing, as a new one does; namespaces inherit it from the first one.
    nsenter --net=/run/netns/${name} sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
    `;
}

function trapSignals(): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    if (process.listenerCount(signal) === 0) process.once(signal, () => process.exit(1));
  }
}
