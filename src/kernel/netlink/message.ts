/**
 * Netlink messages: the header (`struct nlmsghdr`: length u32, type u16, flags u16, sequence u32, port u32), requests on
 * their way out, answers on their way in.
 */
import type { BridgeportError } from '../../base/errors.ts';
import { errnoError } from '../ffi/errno.ts';
import { AttributeWriter, readAttributes } from './attributes.ts';
import {
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLMSG_ERROR,
  NLMSGERR_ATTR_MISS_TYPE,
  NLMSGERR_ATTR_MSG,
} from './constants.ts';

export const HEADER_LENGTH = 16;
const align = (length: number) => (length + 3) & ~3;

/** A request, not yet numbered: pure, so it can be made, compared and batched without a socket. */
export interface NetlinkRequest {
  /** What it does, to begin an error message with: `create bridge docker0`. */
  readonly action: string;
  readonly type: number;
  /** NLM_F_CREATE and the like; the socket adds NLM_F_REQUEST and NLM_F_ACK or NLM_F_DUMP. */
  readonly flags: number;
  /** The family's fixed header and the attributes. */
  readonly body: Uint8Array;
}

/** A message from the kernel. `body` is what follows the header. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Buffer;
}

/** Makes a request; `fill` writes the attributes behind the fixed header `head`. */
export function netlinkRequest(
  action: string,
  type: number,
  flags: number,
  head: Uint8Array,
  fill?: (attributes: AttributeWriter) => void,
): NetlinkRequest {
  const writer = new AttributeWriter(head);
  fill?.(writer);
  return { action, type, flags, body: writer.finish() };
}

/** The bytes of requests, numbered from `sequence` on, to be sent in one go. `flags` are added to each one's own. */
export function encodeRequests(requests: readonly NetlinkRequest[], flags: number, sequence: number): Buffer {
  const total = requests.reduce((sum, request) => sum + HEADER_LENGTH + align(request.body.length), 0);
  const buffer = Buffer.alloc(total);
  let at = 0;
  for (const [index, request] of requests.entries()) {
    const length = HEADER_LENGTH + request.body.length;
    buffer.writeUInt32LE(length, at);
    buffer.writeUInt16LE(request.type, at + 4);
    buffer.writeUInt16LE(request.flags | flags, at + 6);
    buffer.writeUInt32LE((sequence + index) >>> 0, at + 8);
    buffer.set(request.body, at + HEADER_LENGTH);
    at += align(length);
  }
  return buffer;
}

/** The messages of one datagram, in order. Their bodies are views into `datagram`. */
export function* eachMessage(datagram: Buffer): Generator<NetlinkMessage> {
  let at = 0;
  while (at + HEADER_LENGTH <= datagram.length) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER_LENGTH || at + length > datagram.length) return;
    yield {
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      body: datagram.subarray(at + HEADER_LENGTH, at + length),
    };
    at += align(length);
  }
}

/**
 * What NLMSG_ERROR (or NLMSG_DONE, which has the same shape at the end of a dump) says: `undefined` for success.
 *
 * `struct nlmsgerr { int error; struct nlmsghdr msg; }`, then the request's payload unless NLM_F_CAPPED, then attributes
 * when NLM_F_ACK_TLVS; NLMSG_DONE has `int error` and attributes only.
 */
export function errorOf(message: NetlinkMessage, action: string): BridgeportError | undefined {
  const { body, flags } = message;
  const errno = body.length >= 4 ? -body.readInt32LE(0) : 0;
  if (errno <= 0) return undefined;
  let extack: string | undefined;
  if (flags & NLM_F_ACK_TLVS) {
    let attributesAt = 4;
    if (message.type === NLMSG_ERROR) {
      attributesAt += HEADER_LENGTH;
      if (!(flags & NLM_F_CAPPED)) attributesAt += align(body.readUInt32LE(4)) - HEADER_LENGTH;
    }
    const attributes = readAttributes(body, attributesAt);
    const missing = attributes.u32(NLMSGERR_ATTR_MISS_TYPE);
    extack =
      attributes.string(NLMSGERR_ATTR_MSG) ??
      (missing === undefined ? undefined : `required attribute ${missing} is missing`);
  }
  return errnoError(action, errno, { extack });
}
