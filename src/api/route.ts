/** Short ways to write down a route. */

import type { PlainCall } from './call.ts';
import type { PlainRoute } from './router.ts';

type Handle = (call: PlainCall) => Promise<void> | void;

const plain =
  (method: PlainRoute['method']) =>
  (path: string, handle: Handle, since?: number): PlainRoute => ({
    kind: 'plain',
    method,
    path,
    handle,
    ...(since === undefined ? {} : { since }),
  });

export const get = plain('GET');
export const head = plain('HEAD');
export const post = plain('POST');
export const put = plain('PUT');
export const del = plain('DELETE');

/** An answer that lasts as long as the client listens: events, logs, statistics. */
export const lasting = (route: PlainRoute): PlainRoute => ({ ...route, lasts: true });
