/** Do the name servers answer? Any answer counts, also a refusal: it says that somebody is there. */

import { createSocket } from 'node:dgram';
import { openUdpSocket } from '../../../kernel/sockets.ts';
import type { UpstreamProbe } from '../snapshot.ts';

/** Who is asked, and from where. */
export interface NameServer {
  readonly address: string;
  readonly port: number;
  /** The container that was given it; absent for the host's and the daemon's. */
  readonly container?: { readonly id: string; readonly name: string };
  /** Path of the namespace that it is also asked from, when it does not answer the host. */
  readonly netns?: string;
}

/** Milliseconds for one try; two tries are made, since one datagram may be lost. */
const PATIENCE = 1000;
const TRIES = 2;

/**
 * Asks all of them at once. From the host first: a server that answers there lives, and what keeps a container from it is the matter of
 * other checks.
 */
export function probeNameServers(servers: readonly NameServer[]): Promise<UpstreamProbe[]> {
  const fromHost = new Map<string, Promise<Outcome>>();
  return Promise.all(
    servers.map(async ({ address, port, container, netns }): Promise<UpstreamProbe> => {
      const key = `${address} ${port}`;
      const asked = fromHost.get(key) ?? probe(address, port);
      fromHost.set(key, asked);
      let outcome = await asked;
      if (outcome.answeredAfter === undefined && netns !== undefined)
        outcome = await probe(address, port, netns);
      const { answeredAfter, errno } = outcome;
      return { address, port, ...(container && { container }), answeredAfter, ...(errno && { errno }) };
    }),
  );
}

async function probe(address: string, port: number, netns?: string): Promise<Outcome> {
  let outcome: Outcome = {};
  for (let attempt = 0; attempt < TRIES && outcome.answeredAfter === undefined; attempt++) {
    outcome = await ask(address, port, netns);
  }
  return outcome;
}

interface Outcome {
  answeredAfter?: number;
  errno?: string;
}

function ask(address: string, port: number, netns: string | undefined): Promise<Outcome> {
  const isV6 = address.includes(':');
  const bound = openUdpSocket({ netns, address: isV6 ? '::' : '0.0.0.0', port: 0 });
  const socket = createSocket(isV6 ? 'udp6' : 'udp4');
  const started = performance.now();
  return new Promise((resolve) => {
    const done = (outcome: Outcome) => {
      clearTimeout(timer);
      socket.close();
      resolve(outcome);
    };
    const timer = setTimeout(() => done({}), PATIENCE);
    const fail = (error: NodeJS.ErrnoException) => done({ errno: error.code ?? error.message });
    socket.once('error', fail);
    socket.bind({ fd: bound.fd }, () => {
      // Connected: so the kernel tells when nobody listens there, and lets in the answer of nobody else.
      socket.connect(port, address, () => {
        socket.once('message', () => done({ answeredAfter: performance.now() - started }));
        socket.send(rootQuery());
      });
    });
  });
}

/** `. NS`, recursion desired: what every server knows. */
function rootQuery(): Buffer {
  const id = Math.floor(Math.random() * 65_536);
  return Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1]);
}
