/** What the page's listener serves: the page, and of the API what it reads. */

import { BridgeportError, notFound } from '../../base/errors.ts';
import type { PlainCall } from '../call.ts';
import { send } from '../reply.ts';
import { get } from '../route.ts';
import type { PlainRoute, Route } from '../router.ts';
import { allRoutes } from '../routes/index.ts';
import { Assets } from './assets.ts';
import { PAGE_PATH } from './guard.ts';

/** The paths that the page reads. A list and not "all of ours": a capture of packets, say, is none of its business. */
const READ_BY_THE_PAGE: ReadonlySet<string> = new Set(
  ['map', 'traffic', 'exposure', 'rules', 'why', 'doctor', 'flows'].map((name) => `/bridgeport/${name}`),
);

export function pageRoutes(): Route[] {
  const assets = new Assets();
  const serve =
    (nameOf: (call: PlainCall) => string) =>
    async (call: PlainCall): Promise<void> => {
      const asset = await assets.get(nameOf(call));
      if (asset === undefined) throw notFound('page not found');
      send(call.response, { status: 200, ...asset });
    };
  return [
    get(
      PAGE_PATH,
      serve(() => 'index.html'),
    ),
    get(
      `${PAGE_PATH}/{file}`,
      serve(({ params }) => params.file ?? ''),
    ),
    ...allRoutes()
      .filter((route) => route.kind === 'plain')
      .filter(({ method, path }) => method === 'GET' && READ_BY_THE_PAGE.has(path))
      .map(readOnly),
  ];
}

/** `why?probe=1` sends a packet, which is more than looking. */
function readOnly(route: PlainRoute): Route {
  return {
    ...route,
    handle(call) {
      if (call.query.flag('probe')) {
        throw new BridgeportError('forbidden', 'the page sends no probe: bridgeport why --probe does');
      }
      return route.handle(call);
    },
  };
}
