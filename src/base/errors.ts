/**
 * The one error type that crosses module borders. Modules throw it with a `kind`; only `api/status` turns a kind
 * into an HTTP status, so nobody else needs to know about HTTP.
 */

/**
 * What went wrong, seen from the caller.
 *
 * - `invalid`: the request itself is wrong (400)
 * - `unauthorized`: credentials are missing or refused (401)
 * - `forbidden`: understood and refused on principle (403)
 * - `not-found`: the named object does not exist (404)
 * - `conflict`: the object's present state forbids it (409)
 * - `not-modified`: nothing to do, the state is already the wanted one (304)
 * - `not-implemented`: Bridgeport has not built it (501)
 * - `unavailable`: something we depend on does not answer (503)
 * - `internal`: everything else (500)
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'not-modified'
  | 'not-implemented'
  | 'unavailable'
  | 'internal';

/** Facts that help a reader to find the cause; all optional. */
export interface ErrorDetails {
  cause?: unknown;
  /** Name of the errno, as errno(3) spells it: `EADDRINUSE`. */
  errno?: string | undefined;
  /** The kernel's own words from a netlink extended ACK (NLMSGERR_ATTR_MSG). */
  extack?: string | undefined;
}

/** An error whose message names the action and quotes the value: `bind 0.0.0.0:8080: address already in use`. */
export class BridgeportError extends Error {
  readonly kind: ErrorKind;
  readonly errno: string | undefined;
  readonly extack: string | undefined;

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'BridgeportError';
    this.kind = kind;
    this.errno = details.errno;
    this.extack = details.extack;
  }
}

/** True when `error` is ours and of one of `kinds` (of any kind when none is given). */
export function isKind(error: unknown, ...kinds: ErrorKind[]): error is BridgeportError {
  return error instanceof BridgeportError && (kinds.length === 0 || kinds.includes(error.kind));
}

export const invalid = (message: string, details?: ErrorDetails) =>
  new BridgeportError('invalid', message, details);
export const notFound = (message: string, details?: ErrorDetails) =>
  new BridgeportError('not-found', message, details);
export const conflict = (message: string, details?: ErrorDetails) =>
  new BridgeportError('conflict', message, details);
export const internal = (message: string, details?: ErrorDetails) =>
  new BridgeportError('internal', message, details);
/** `instead`: what its users can do meanwhile */
export const notImplemented = (what: string, instead?: string) =>
  new BridgeportError(
    'not-implemented',
    `${what} is not implemented by Bridgeport yet${instead === undefined ? '' : `: ${instead}`}`,
  );

/** The same failure as a part of something larger, `ACTION: MESSAGE`: its kind and its errno stay. */
export function inAction(action: string, error: unknown): BridgeportError {
  const { kind, errno } = isKind(error) ? error : { kind: 'internal' as const, errno: undefined };
  return new BridgeportError(kind, `${action}: ${messageOf(error)}`, { cause: error, errno });
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Runs every step even when some throw, then throws what was collected: the teardown rule of the house.
 * One failure is thrown as it is, several as an `AggregateError`.
 */
export async function runAll(action: string, steps: Array<() => unknown>): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${action}: ${errors.map(messageOf).join('; ')}`);
}
