/** The first 12 hexadecimal digits of an id, without its `sha256:`. */
export function shortId(id: string): string {
  return id.replace(/^[a-z0-9]+:/, '').slice(0, 12);
}
