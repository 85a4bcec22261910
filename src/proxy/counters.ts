/** What the keeper counts; `stats` shows it. One object, handed to those who count. */
import type { ProxyStats } from '../base/proxy-control.ts';

export interface Counters {
  tcp: ProxyStats['tcp'];
  udp: ProxyStats['udp'];
}

export function newCounters(): Counters {
  return {
    tcp: {
      active: 0,
      accepted: 0,
      connectFailed: 0,
      reset: 0,
      acceptPaused: 0,
      bytesToTarget: 0,
      bytesToClient: 0,
    },
    udp: { active: 0, created: 0, evicted: 0, datagramsToTarget: 0, datagramsToClient: 0, dropped: 0 },
  };
}
