/** A script for the browser that answers in the daemon's place: for pictures of hosts that are not there. */

import type { NetworkMap, Traffic } from '../../src/base/wire/index.ts';

/** Must be evaluated before the page's own scripts. Every third link is busy: some with bytes, some with megabytes a second. */
export function fakeDaemonScript(map: NetworkMap): string {
  return `(${fake})(${JSON.stringify(map)})`;
}

/** Becomes text: it may use nothing from outside. */
function fake(map: NetworkMap): void {
  const links = [
    ...map.host.interfaces,
    ...map.networks.flatMap(({ bridge }) => bridge ?? []),
    ...map.endpoints.flatMap(({ hostVeth }) => hostVeth ?? []),
  ].map(({ name, index = 0 }) => ({
    name,
    index,
    rxBytes: 0,
    txBytes: 0,
    rxPackets: 0,
    txPackets: 0,
    rxDropped: 0,
    txDropped: 0,
  }));
  let time = 0;
  const traffic = (): Traffic => {
    time += 1000;
    links.forEach((link, at) => {
      if (at % 3 !== 0) return;
      link.rxBytes += 10 ** (2 + (at % 5)) * (1 + ((time / 1000 + at) % 7) / 7);
      link.txBytes += 10 ** (1 + (at % 6)) * (1 + ((time / 1000 + at) % 5) / 5);
    });
    return { time, links };
  };
  const real = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const path = String(input);
    const answer = path.startsWith('/bridgeport/map')
      ? map
      : path.startsWith('/bridgeport/traffic')
        ? traffic()
        : undefined;
    return answer === undefined ? real(input, init) : Response.json(answer);
  };
}
