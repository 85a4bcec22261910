import type { Query } from '../client/client.ts';
import type { AttachedStreams } from './attached.ts';

/** The query of `POST /containers/ID/attach`. */
export function attachQuery(streams: AttachedStreams): Query {
  const { stdin, stdout, stderr, detachKeys } = streams;
  return { stream: true, stdin, stdout, stderr, detachKeys };
}
