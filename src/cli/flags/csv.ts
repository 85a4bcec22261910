/**
 * The fields of one line of comma separated values (RFC 4180), as `--mount` and `--network` use them: a field may be
 * quoted to hold a comma, and a doubled quote stands for one.
 *
 * Throws an `Error` for a quote that stands in the middle or is not closed.
 */
export function csvFields(line: string): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (line[at] === '"') {
      let field = '';
      at++;
      for (;;) {
        const quote = line.indexOf('"', at);
        if (quote < 0) throw new Error('parse error on line 1: extraneous or missing " in quoted-field');
        field += line.slice(at, quote);
        at = quote + 1;
        if (line[at] !== '"') break;
        field += '"';
        at++;
      }
      if (at < line.length && line[at] !== ',') {
        throw new Error('parse error on line 1: extraneous or missing " in quoted-field');
      }
      fields.push(field);
    } else {
      const comma = line.indexOf(',', at);
      const field = line.slice(at, comma < 0 ? undefined : comma);
      if (field.includes('"')) throw new Error('parse error on line 1: bare " in non-quoted-field');
      fields.push(field);
      at = comma < 0 ? line.length : comma;
    }
    if (at >= line.length) return fields;
    at++;
  }
}

/** Cuts `key=value` at the first sign; `value` is undefined when there is none. */
export function cut(text: string, separator = '='): [key: string, value: string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
