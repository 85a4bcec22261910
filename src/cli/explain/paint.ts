/** Colours, or none. */
export interface Paint {
  good(text: string): string;
  bad(text: string): string;
  unsure(text: string): string;
  quiet(text: string): string;
  strong(text: string): string;
}

const plain = (text: string) => text;
/** Select Graphic Rendition (ECMA-48, 8.3.117). */
const sgr = (code: number) => (text: string) => `\x1b[${code}m${text}\x1b[0m`;

export function paintFor(color: boolean): Paint {
  if (!color) return { good: plain, bad: plain, unsure: plain, quiet: plain, strong: plain };
  return { good: sgr(32), bad: sgr(31), unsure: sgr(33), quiet: sgr(2), strong: sgr(1) };
}
