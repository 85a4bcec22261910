/**
 * Docker's multiplexed stream: each piece of output goes behind a header of 8 bytes,
 * `[stream, 0, 0, 0, length as big-endian uint32]`. Used wherever there is no terminal.
 */

export const STREAM = { stdin: 0, stdout: 1, stderr: 2, system: 3 } as const;

export type StreamNumber = (typeof STREAM)[keyof typeof STREAM];

export const FRAME_HEADER = 8;

export function frameHeader(stream: StreamNumber, length: number): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER);
  header.writeUInt32BE(stream * 2 ** 24, 0);
  header.writeUInt32BE(length, 4);
  return header;
}
