/*
 * What went over the host's links, as `GET /bridgeport/traffic` answers it. One look at the host's own namespace gives all
 * of it; two answers make a rate.
 */

/** Counters of every link, at one moment. */
export interface Traffic {
  /** Milliseconds of a clock that is never set (CLOCK_MONOTONIC); only differences mean anything. */
  time: number;
  links: LinkTraffic[];
}

/**
 * Counters of one link since it was made, as the host sees it: what a container sends is received (`rx`) by the host's end
 * of its veth pair.
 */
export interface LinkTraffic {
  name: string;
  /** The kernel's number: a link that is made again under an old name has another. */
  index: number;
  rxBytes: number;
  txBytes: number;
  rxPackets: number;
  txPackets: number;
  rxDropped: number;
  txDropped: number;
}
