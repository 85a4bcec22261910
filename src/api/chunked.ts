/** The chunked transfer coding (RFC 9112, 7.1), for the connections that Node's HTTP server has handed over. */

import { invalid } from '../base/errors.ts';

const MAX_LINE = 8 * 1024;

type State = 'size' | 'data' | 'data-end' | 'trailer' | 'done';

/** Feed it what arrives; it gives the data and, once `done`, the `rest` that belongs to what comes after. */
export class ChunkedDecoder {
  #state: State = 'size';
  #line = '';
  #left = 0;
  rest: Buffer = Buffer.alloc(0);

  get done(): boolean {
    return this.#state === 'done';
  }

  /** @throws `invalid` when a chunk's size is none */
  feed(input: Buffer): Buffer[] {
    const parts: Buffer[] = [];
    let at = 0;
    while (at < input.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const take = Math.min(this.#left, input.length - at);
        parts.push(input.subarray(at, at + take));
        at += take;
        this.#left -= take;
        if (this.#left === 0) this.#state = 'data-end';
        continue;
      }
      const end = input.indexOf(0x0a, at);
      this.#line += input.toString('latin1', at, end === -1 ? input.length : end);
      if (this.#line.length > MAX_LINE) throw invalid('malformed chunked encoding: line too long');
      if (end === -1) return parts;
      at = end + 1;
      this.#endLine(this.#line.replace(/\r$/, ''));
      this.#line = '';
    }
    if (this.#state === 'done') this.rest = Buffer.concat([this.rest, input.subarray(at)]);
    return parts;
  }

  #endLine(line: string): void {
    switch (this.#state) {
      case 'size': {
        const digits = /^([0-9a-f]{1,12})\s*(;.*)?$/i.exec(line)?.[1];
        if (digits === undefined) throw invalid(`malformed chunked encoding: size ${JSON.stringify(line)}`);
        this.#left = Number.parseInt(digits, 16);
        this.#state = this.#left === 0 ? 'trailer' : 'data';
        break;
      }
      case 'data-end':
        if (line !== '') throw invalid('malformed chunked encoding: data longer than its size');
        this.#state = 'size';
        break;
      case 'trailer':
        if (line === '') this.#state = 'done';
        break;
    }
  }
}
