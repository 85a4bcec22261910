/** What a route's handler gets to see of one request. */

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../base/log.ts';
import type { Backend, StreamSession } from './backend.ts';
import type { Decoder } from './decode.ts';
import type { Query } from './query.ts';

export interface Call {
  backend: Backend;
  log: Log;
  headers: IncomingHttpHeaders;
  /** The path's parameters, decoded. */
  params: Record<string, string>;
  query: Query;
  /** Minor API version: 43 for 1.43. */
  version: number;
  /** Aborted when the client has gone or the server shuts down. */
  signal: AbortSignal;
  /** The JSON body, decoded. An empty body gives the decoder's zero value. */
  json<T>(decoder: Decoder<T>): Promise<T>;
}

export interface PlainCall extends Call {
  /** The body, for those that take it as a stream. */
  request: IncomingMessage;
  response: ServerResponse;
}

export type SessionCall = Call;

/** What to do with the connection once the request is known to be good. */
export interface SessionPlan {
  session: StreamSession;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
}
