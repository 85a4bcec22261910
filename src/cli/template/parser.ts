import { type Piece, pieces, TemplateError, type Token } from './lexer.ts';

/** Where an action stands, for messages: line and column from 1, and its text. */
export interface Place {
  line: number;
  column: number;
  source: string;
}

/** An operand; `fields` are the names after it, as in `$x.a.b` or `(f).a`. */
export type Operand =
  | { kind: 'dot'; fields: string[] }
  | { kind: 'variable'; name: string; fields: string[] }
  | { kind: 'call'; name: string; fields: string[] }
  | { kind: 'group'; pipeline: Pipeline; fields: string[] }
  | { kind: 'literal'; value: string | number | boolean | null };

/** Commands joined by `|`; each is an operand and its arguments. */
export interface Pipeline {
  commands: Operand[][];
  /** `$x := …`, `$i, $v := …` or `$x = …`. */
  variables: string[];
  /** True for `=`: the variable exists already. */
  assign: boolean;
}

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'print'; pipeline: Pipeline; place: Place }
  | { kind: 'if' | 'with' | 'range'; pipeline: Pipeline; body: Node[]; otherwise: Node[]; place: Place }
  | { kind: 'break' | 'continue' };

/**
 * Reads a Go `text/template`: actions, pipelines, variables, `if`, `with`, `range`, `else`, `break`, `continue`,
 * comments and trim markers. `define`, `template` and `block` are not known.
 *
 * Throws `TemplateError` in Go's words, with the line. `functions` are the names that may be called.
 */
export function parseTemplate(template: string, functions: ReadonlySet<string>): Node[] {
  return new Parser(pieces(template), functions).parse();
}

class Parser {
  readonly #pieces: Piece[];
  readonly #functions: ReadonlySet<string>;
  #at = 0;

  constructor(list: Piece[], functions: ReadonlySet<string>) {
    this.#pieces = list;
    this.#functions = functions;
  }

  parse(): Node[] {
    const { nodes, ended } = this.#block();
    if (ended) throw new TemplateError(`template: :${ended.line}: unexpected {{${ended.source}}}`);
    return nodes;
  }

  /** Nodes up to the `end` or `else` that closes the block (or the end of the template). */
  #block(): { nodes: Node[]; ended: (Place & { words: Token[] }) | undefined } {
    const nodes: Node[] = [];
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at++]!;
      if ('text' in piece) {
        nodes.push({ kind: 'text', text: piece.text });
        continue;
      }
      const { action, source, line, column } = piece;
      const place: Place = { line, column, source };
      const word = action[0]?.kind === 'identifier' ? action[0].text : '';
      if (word === 'end' || word === 'else') return { nodes, ended: { ...place, words: action.slice(1) } };
      if (word === 'if' || word === 'with' || word === 'range') {
        nodes.push(this.#control(word, action.slice(1), place));
      } else if (word === 'break' || word === 'continue') nodes.push({ kind: word });
      else nodes.push({ kind: 'print', pipeline: this.#pipeline(action, place), place });
    }
    return { nodes, ended: undefined };
  }

  #control(kind: 'if' | 'with' | 'range', words: Token[], place: Place): Node {
    const pipeline = this.#pipeline(words, place);
    const body = this.#closed(place);
    const node: Node = { kind, pipeline, body: body.nodes, otherwise: [], place };
    if (body.ended.source.startsWith('end')) return node;
    // `else if x` and `else with x` are an `else` that holds one more control, closed by the same `end`.
    const [next] = body.ended.words;
    if (next?.text === 'if' || next?.text === 'with') {
      node.otherwise = [this.#control(next.text, body.ended.words.slice(1), body.ended)];
    } else {
      const rest = this.#closed(place);
      if (!rest.ended.source.startsWith('end')) {
        throw new TemplateError(`template: :${rest.ended.line}: expected end; found {{else}}`);
      }
      node.otherwise = rest.nodes;
    }
    return node;
  }

  #closed(place: Place): { nodes: Node[]; ended: Place & { words: Token[] } } {
    const { nodes, ended } = this.#block();
    if (!ended) throw new TemplateError(`template: :${place.line}: unexpected EOF`);
    return { nodes, ended };
  }

  #pipeline(words: Token[], place: Place): Pipeline {
    let rest = words;
    const variables: string[] = [];
    const operator = words.findIndex((word) => word.text === ':=' || word.text === '=');
    let assign = false;
    if (operator > 0) {
      for (const word of words.slice(0, operator)) if (word.kind === 'variable') variables.push(word.text);
      assign = words[operator]!.text === '=';
      rest = words.slice(operator + 1);
    }
    const reader = { at: 0, words: rest };
    const commands = this.#commands(reader, place);
    if (reader.at < rest.length) throw unexpected(rest[reader.at]!, place);
    return { commands, variables, assign };
  }

  #commands(reader: { at: number; words: Token[] }, place: Place): Operand[][] {
    const commands: Operand[][] = [];
    for (;;) {
      const operands: Operand[] = [];
      while (reader.at < reader.words.length) {
        const word = reader.words[reader.at]!;
        if (word.text === '|' || word.text === ')') break;
        operands.push(this.#operand(reader, place));
      }
      if (operands.length === 0) {
        throw new TemplateError(`template: :${place.line}: missing value for command`);
      }
      commands.push(operands);
      if (reader.words[reader.at]?.text !== '|') return commands;
      reader.at++;
    }
  }

  #operand(reader: { at: number; words: Token[] }, place: Place): Operand {
    const word = reader.words[reader.at++]!;
    const fields: string[] = [];
    const readFields = () => {
      for (;;) {
        const next = reader.words[reader.at];
        if (next?.kind !== 'field' || next.spaced) return;
        fields.push(next.text.slice(1));
        reader.at++;
      }
    };
    switch (word.kind) {
      case 'field':
        fields.push(word.text.slice(1));
        readFields();
        return { kind: 'dot', fields };
      case 'variable':
        readFields();
        return { kind: 'variable', name: word.text, fields };
      case 'string':
        return { kind: 'literal', value: unquote(word.text) };
      case 'char':
        return { kind: 'literal', value: unquote(`"${word.text.slice(1, -1)}"`).charCodeAt(0) };
      case 'number':
        return { kind: 'literal', value: Number(word.text) };
      case 'identifier':
        if (word.text === 'true' || word.text === 'false') {
          return { kind: 'literal', value: word.text === 'true' };
        }
        if (word.text === 'nil') return { kind: 'literal', value: null };
        if (!this.#functions.has(word.text)) {
          throw new TemplateError(`template: :${place.line}: function "${word.text}" not defined`);
        }
        readFields();
        return { kind: 'call', name: word.text, fields };
      default:
    }
    if (word.text === '.') return { kind: 'dot', fields: [] };
    if (word.text !== '(') throw unexpected(word, place);
    const commands = this.#commands(reader, place);
    if (reader.words[reader.at++]?.text !== ')') {
      throw new TemplateError(`template: :${place.line}: unclosed left paren`);
    }
    readFields();
    return { kind: 'group', pipeline: { commands, variables: [], assign: false }, fields };
  }
}

function unexpected(word: Token, place: Place): TemplateError {
  return new TemplateError(`template: :${place.line}: unexpected "${word.text}" in operand`);
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' };

function unquote(text: string): string {
  if (text.startsWith('`')) return text.slice(1, -1);
  return text
    .slice(1, -1)
    .replace(
      /\\(?:x([\da-f]{2})|u([\da-f]{4})|(.))/gi,
      (_, hex?: string, unicode?: string, char?: string) => {
        const code = hex ?? unicode;
        return code === undefined
          ? (ESCAPES[char!] ?? char!)
          : String.fromCharCode(Number.parseInt(code, 16));
      },
    );
}
