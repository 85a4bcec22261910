/** gRPC's status codes (https://grpc.io/docs/guides/status-codes/) and the error they become. */

import { BridgeportError, type ErrorKind } from '../../base/errors.ts';

const STATUSES = [
  ['OK', 'internal'],
  ['CANCELLED', 'unavailable'],
  ['UNKNOWN', 'internal'],
  ['INVALID_ARGUMENT', 'invalid'],
  ['DEADLINE_EXCEEDED', 'unavailable'],
  ['NOT_FOUND', 'not-found'],
  ['ALREADY_EXISTS', 'conflict'],
  ['PERMISSION_DENIED', 'forbidden'],
  ['RESOURCE_EXHAUSTED', 'unavailable'],
  ['FAILED_PRECONDITION', 'conflict'],
  ['ABORTED', 'conflict'],
  ['OUT_OF_RANGE', 'invalid'],
  ['UNIMPLEMENTED', 'not-implemented'],
  ['INTERNAL', 'internal'],
  ['UNAVAILABLE', 'unavailable'],
  ['DATA_LOSS', 'internal'],
  ['UNAUTHENTICATED', 'unauthorized'],
] as const satisfies ReadonlyArray<readonly [string, ErrorKind]>;

export type StatusName = (typeof STATUSES)[number][0];

/** A call to containerd that failed: the message is `ACTION: DETAIL`. */
export class ContainerdError extends BridgeportError {
  readonly status: StatusName;
  /** containerd's own words, or the socket's. */
  readonly detail: string;

  constructor(action: string, status: StatusName, detail: string, cause?: unknown) {
    const kind = STATUSES.find(([name]) => name === status)![1];
    const errno = (cause as NodeJS.ErrnoException | undefined)?.code;
    super(kind, `${action}: ${detail}`, { cause, errno: errno?.startsWith('E') ? errno : undefined });
    this.name = 'ContainerdError';
    this.status = status;
    this.detail = detail;
  }
}

/** Name of a numeric status; an unknown number is `UNKNOWN`, as gRPC wants. */
export function statusName(code: number): StatusName {
  return STATUSES[code]?.[0] ?? 'UNKNOWN';
}

/** True when `error` came from containerd with one of `statuses` (with any when none is given). */
export function isStatus(error: unknown, ...statuses: StatusName[]): error is ContainerdError {
  return error instanceof ContainerdError && (statuses.length === 0 || statuses.includes(error.status));
}
