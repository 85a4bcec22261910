/**
 * Domain names, between their form in messages (RFC 1035, 3.1 and 4.1.4) and text.
 *
 * Text is lower-case (RFC 4343: ASCII letters only), without the trailing dot, one character per byte (latin1). A dot or
 * backslash within a label is escaped by a backslash, so that no such label looks like two.
 */

/** RFC 1035, 2.3.4. */
const LABEL_LENGTH_MAX = 63;
const NAME_LENGTH_MAX = 255;

/** A name that was read. */
export interface ReadName {
  readonly text: string;
  /** Offset behind it, in the message. */
  readonly end: number;
}

/**
 * Reads a name. Compression pointers are followed strictly backwards, which cannot loop.
 *
 * @returns `undefined` for what is no name: cut off, too long, a reserved label type, a pointer forwards or into the header
 */
export function readName(message: Uint8Array, start: number): ReadName | undefined {
  let text = '';
  let at = start;
  let end = -1;
  let length = 0;
  // Where the present run of labels began: a pointer has to go before it.
  let run = start;
  for (;;) {
    const label = message[at];
    if (label === undefined) return undefined;
    if (label === 0) return { text, end: end === -1 ? at + 1 : end };
    if (label >= 0xc0) {
      const low = message[at + 1];
      if (low === undefined) return undefined;
      if (end === -1) end = at + 2;
      at = ((label & 0x3f) << 8) | low;
      if (at >= run || at < 12) return undefined;
      run = at;
      continue;
    }
    if (label > LABEL_LENGTH_MAX) return undefined;
    length += label + 1;
    if (length >= NAME_LENGTH_MAX || at + label >= message.length) return undefined;
    if (text !== '') text += '.';
    for (let index = at + 1; index <= at + label; index++) {
      const byte = message[index]!;
      if (byte === 0x2e || byte === 0x5c) text += '\\';
      text += String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
    }
    at += label + 1;
  }
}

/**
 * The offset behind a name, without reading it; `undefined` when it is cut off or malformed. A pointer has to go
 * backwards, but is not followed.
 */
export function skipName(message: Uint8Array, start: number): number | undefined {
  let at = start;
  for (;;) {
    const label = message[at];
    if (label === undefined) return undefined;
    if (label === 0) return at + 1;
    if (label >= 0xc0) {
      const low = message[at + 1];
      if (low === undefined) return undefined;
      const target = ((label & 0x3f) << 8) | low;
      return target >= 12 && target < start ? at + 2 : undefined;
    }
    if (label > LABEL_LENGTH_MAX) return undefined;
    at += label + 1;
    if (at - start >= NAME_LENGTH_MAX) return undefined;
  }
}

/**
 * A name as it stands in messages, uncompressed.
 *
 * @param text as `readName()` gives it, in any case
 * @returns `undefined` when it cannot be one: an empty label, one above 63 bytes, more than 255 bytes in all
 */
export function encodeName(text: string): Buffer | undefined {
  if (text === '') return Buffer.of(0);
  const bytes = Buffer.alloc(text.length + 2);
  let at = 0;
  for (const label of splitLabels(text)) {
    const raw = label.replaceAll(/\\(.)/gs, '$1');
    if (raw.length === 0 || raw.length > LABEL_LENGTH_MAX) return undefined;
    bytes[at] = raw.length;
    bytes.write(raw, at + 1, 'latin1');
    at += raw.length + 1;
  }
  return at < NAME_LENGTH_MAX ? bytes.subarray(0, at + 1) : undefined;
}

/** Text as people write it (UTF-8, any case, perhaps with a dot at the end), in the form of `readName()`: to be compared with it. */
export function canonicalName(text: string): string {
  return bytesOfName(text)
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replace(/(?<!\\)\.$/, '');
}

/** Text as people write it, one character per byte of its UTF-8, as it travels in messages. */
export function bytesOfName(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function splitLabels(name: string): string[] {
  return name.includes('\\') ? name.split(/(?<!\\)\./) : name.split('.');
}
