/**
 * JSON text with its white space changed and nothing else: numbers too long for JavaScript, the order of keys and
 * escapes stay as the daemon wrote them.
 *
 * `indent` spaces per level; 0 puts everything on one line.
 */
export function reindent(json: string, indent: number): string {
  let result = '';
  let depth = 0;
  const newline = () => (indent === 0 ? '' : `\n${' '.repeat(indent * depth)}`);
  const pattern = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/g;
  const tokens = json.match(pattern) ?? [];
  for (const [index, token] of tokens.entries()) {
    if (token === '{' || token === '[') {
      const closing = tokens[index + 1] === (token === '{' ? '}' : ']');
      result += token;
      depth++;
      if (!closing) result += newline();
    } else if (token === '}' || token === ']') {
      const empty = tokens[index - 1] === (token === '}' ? '{' : '[');
      depth--;
      result += empty ? token : newline() + token;
    } else if (token === ',') result += token + newline();
    else if (token === ':') result += indent === 0 ? ':' : ': ';
    else result += token;
  }
  return result;
}
