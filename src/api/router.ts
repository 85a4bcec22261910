/**
 * Finds the route of a request. A parameter matches across slashes, since image names hold them:
 * `/images/{name}/json` takes `/images/registry:5000/team/web:1/json`.
 */

import type { PlainCall, SessionCall, SessionPlan } from './call.ts';
import type { PlainReply } from './status.ts';

interface RouteBase {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** `/containers/{name}/json` */
  path: string;
  /** minor API version that brought it; older requests get 400 */
  since?: number;
}

/** An ordinary request. The handler has answered when it resolves; what it throws becomes an error answer. */
export interface PlainRoute extends RouteBase {
  kind: 'plain';
  /** The answer lasts as long as the client listens: its duration tells nothing of the operation. */
  lasts?: true;
  handle(call: PlainCall): Promise<void> | void;
}

/** A request after which the connection belongs to a byte stream: attach and exec. */
export interface SessionRoute extends RouteBase {
  kind: 'session';
  open(call: SessionCall): Promise<SessionPlan | PlainReply>;
}

export type Route = PlainRoute | SessionRoute;

export interface Match<R extends Route = Route> {
  route: R;
  params: Record<string, string>;
}

export interface Router {
  find(method: string, path: string): Match | undefined;
}

interface Compiled {
  route: Route;
  pattern: RegExp;
  names: string[];
}

function compile(route: Route): Compiled {
  const names: string[] = [];
  const source = route.path
    .replace(/[.*+?^$()|[\]\\]/g, '\\$&')
    .replace(/\{(\w+)\}/g, (_all, name: string) => {
      names.push(name);
      return '(.+)';
    });
  return { route, pattern: new RegExp(`^${source}$`, 's'), names };
}

/** Routes are tried in the given order, among those with the same method and first path segment. */
export function createRouter(routes: Route[]): Router {
  const shelves = new Map<string, Compiled[]>();
  for (const route of routes) {
    const shelf = `${route.method} ${firstSegment(route.path)}`;
    const compiled = shelves.get(shelf);
    if (compiled) compiled.push(compile(route));
    else shelves.set(shelf, [compile(route)]);
  }
  return {
    find(method, path) {
      for (const { route, pattern, names } of shelves.get(`${method} ${firstSegment(path)}`) ?? []) {
        const match = pattern.exec(path);
        if (match === null) continue;
        return { route, params: Object.fromEntries(names.map((name, index) => [name, match[index + 1]!])) };
      }
      return undefined;
    },
  };
}

function firstSegment(path: string): string {
  const end = path.indexOf('/', 1);
  return end === -1 ? path : path.slice(0, end);
}
