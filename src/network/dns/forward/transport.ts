/** How a message gets to a name server and back. The forwarder decides what is an answer. */

import type { Upstream } from './upstream.ts';

export interface ExchangeEvents {
  /** A message from the server's address to the port it was asked from; over UDP there may be several. */
  onMessage(message: Buffer): void;
  /** Nothing will come any more. Called once at most, and not after `close()`. */
  onFailure(error: unknown): void;
}

export interface Exchange {
  /** Idempotent; no event comes afterwards. */
  close(): void;
}

export interface Transport {
  /**
   * Sends a message from a random port.
   *
   * @param message may change after the call
   * @throws the errno error when it cannot be sent at all: ENETUNREACH, EMFILE …
   */
  udp(server: Upstream, message: Buffer, events: ExchangeEvents): Exchange;
  /** The same over a new TCP connection. */
  tcp(server: Upstream, message: Buffer, events: ExchangeEvents): Exchange;
}
