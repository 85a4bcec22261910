/** The one place where an error becomes an HTTP answer: its kind gives the status, its message the JSON body. */

import { BridgeportError, type ErrorKind, messageOf } from '../base/errors.ts';
import { VersionTooOld } from './version.ts';

const STATUS: Record<ErrorKind, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'not-modified': 304,
  'not-implemented': 501,
  unavailable: 503,
  internal: 500,
};

export interface PlainReply {
  status: number;
  contentType?: string;
  /** Empty when undefined. */
  body?: string;
}

export function statusOf(error: unknown): number {
  if (error instanceof BridgeportError) return STATUS[error.kind];
  if (error instanceof AggregateError && error.errors.length > 0)
    return Math.min(...error.errors.map(statusOf));
  return 500;
}

/** The whole answer for an error; 304 has no body, by the rules of HTTP. */
export function errorReply(error: unknown): PlainReply {
  const status = statusOf(error);
  if (status === 304) return { status };
  const message = messageOf(error);
  if (error instanceof VersionTooOld && error.plainText) {
    return { status, contentType: 'text/plain; charset=utf-8', body: `${message}\n` };
  }
  return jsonReply(status, { message });
}

export function jsonReply(status: number, value: unknown): PlainReply {
  return { status, contentType: 'application/json', body: `${JSON.stringify(value)}\n` };
}
