/** Ranges of code points that take two columns (Unicode East Asian Width W and F). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** Columns that `text` takes on a terminal; it must hold no control characters. */
export function displayWidth(text: string): number {
  // Nearly every text is ASCII, whose width is its length.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII, control characters included.
  if (/^[\x00-\x7f]*$/.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += WIDE.test(char) ? 2 : 1;
  return width;
}

/** `text`, cut to `width` columns with `…` at the end when it is longer. */
export function ellipsis(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let result = '';
  let used = 0;
  for (const char of text) {
    used += displayWidth(char);
    if (used > width - 1) break;
    result += char;
  }
  return `${result}…`;
}
