import { FUNCTIONS, type TemplateFunction } from './functions.ts';
import { TemplateError } from './lexer.ts';
import { type Node, type Operand, type Pipeline, type Place, parseTemplate } from './parser.ts';
import { printed } from './print.ts';
import { EvaluationError, field, isEmpty, Nil, typeName } from './values.ts';

export { TemplateError } from './lexer.ts';

/** Leaves a `range`. */
class LoopSignal extends Error {
  readonly kind: 'break' | 'continue';

  constructor(kind: 'break' | 'continue') {
    super(kind);
    this.kind = kind;
  }
}

/**
 * A Go template, as far as `--format` needs one (see `parser.ts`).
 *
 * The constructor throws `TemplateError` for a template that cannot be read, `render` for one that does not fit its
 * data; both in Go's words.
 */
export class Template {
  readonly #nodes: Node[];

  constructor(source: string) {
    this.#nodes = parseTemplate(source, new Set(Object.keys(FUNCTIONS)));
  }

  /** The text for `data`. `functions` replace the usual ones of the same name. */
  render(data: unknown, functions: Readonly<Record<string, TemplateFunction>> = FUNCTIONS): string {
    const run = new Run(functions, data);
    return run.nodes(this.#nodes, data);
  }
}

class Run {
  readonly #functions: Readonly<Record<string, TemplateFunction>>;
  readonly #scopes: Array<Map<string, unknown>>;

  constructor(functions: Readonly<Record<string, TemplateFunction>>, data: unknown) {
    this.#functions = functions;
    this.#scopes = [new Map([['$', data]])];
  }

  nodes(list: Node[], dot: unknown): string {
    let text = '';
    for (const node of list) {
      try {
        text += this.#node(node, dot);
      } catch (error) {
        // What was written before `break` stays.
        if (error instanceof LoopSignal) throw Object.assign(error, { text: text + partial(error) });
        throw error;
      }
    }
    return text;
  }

  #node(node: Node, dot: unknown): string {
    switch (node.kind) {
      case 'text':
        return node.text;
      case 'print': {
        const value = this.#at(node.place, () => this.#pipeline(node.pipeline, dot));
        return node.pipeline.variables.length > 0 ? '' : printed(value);
      }
      case 'break':
      case 'continue':
        throw new LoopSignal(node.kind);
      case 'range':
        return this.#range(node, dot);
      default:
    }
    return this.#scoped(() => {
      const value = this.#at(node.place, () => this.#pipeline(node.pipeline, dot));
      if (isEmpty(value)) return this.nodes(node.otherwise, dot);
      return this.nodes(node.body, node.kind === 'with' ? value : dot);
    });
  }

  #range(node: Extract<Node, { kind: 'if' | 'with' | 'range' }>, dot: unknown): string {
    return this.#scoped(() => {
      const { variables } = node.pipeline;
      const value = this.#at(node.place, () => this.#pipeline({ ...node.pipeline, variables: [] }, dot));
      const entries = rangeOver(value, node.place);
      if (entries.length === 0) return this.nodes(node.otherwise, dot);
      let text = '';
      for (const [key, item] of entries) {
        const scope = this.#scopes.at(-1)!;
        if (variables.length === 1) scope.set(variables[0]!, item);
        if (variables.length === 2) scope.set(variables[0]!, key).set(variables[1]!, item);
        try {
          text += this.nodes(node.body, item);
        } catch (error) {
          if (!(error instanceof LoopSignal)) throw error;
          text += partial(error);
          if (error.kind === 'break') break;
        }
      }
      return text;
    });
  }

  #scoped(work: () => string): string {
    this.#scopes.push(new Map());
    try {
      return work();
    } finally {
      this.#scopes.pop();
    }
  }

  #pipeline(pipeline: Pipeline, dot: unknown): unknown {
    let value: unknown;
    for (const [index, [first, ...rest]] of pipeline.commands.entries()) {
      const piped = index > 0 ? [value] : [];
      value = this.#command(first!, rest, piped, dot);
    }
    if (pipeline.variables.length > 0) this.#assign(pipeline.variables[0]!, value, pipeline.assign);
    return value;
  }

  #assign(name: string, value: unknown, existing: boolean): void {
    const scope = existing ? this.#scopes.findLast((candidate) => candidate.has(name)) : this.#scopes.at(-1);
    if (scope === undefined) throw new EvaluationError(`undefined variable "${name}"`);
    scope.set(name, value);
  }

  #command(first: Operand, rest: Operand[], piped: unknown[], dot: unknown): unknown {
    if (first.kind === 'call') {
      // `and` and `or` stop at the first argument that decides.
      if (first.name === 'and' || first.name === 'or')
        return this.#shortCircuit(first.name, rest, piped, dot);
      const args = rest.map((operand) => this.#operand(operand, dot));
      return walk(this.#functions[first.name]!(...args, ...piped), first.fields);
    }
    const value = this.#operand(first, dot);
    const args = [...rest.map((operand) => this.#operand(operand, dot)), ...piped];
    if (typeof value === 'function') return (value as TemplateFunction)(...args);
    if (args.length > 0) throw new EvaluationError("can't give argument to non-function");
    return value;
  }

  #shortCircuit(name: 'and' | 'or', rest: Operand[], piped: unknown[], dot: unknown): unknown {
    let value: unknown;
    for (const operand of rest) {
      value = this.#operand(operand, dot);
      if (isEmpty(value) === (name === 'and')) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #operand(operand: Operand, dot: unknown): unknown {
    switch (operand.kind) {
      case 'literal':
        return operand.value;
      case 'dot':
        return walk(dot, operand.fields);
      case 'variable': {
        const scope = this.#scopes.findLast((candidate) => candidate.has(operand.name));
        if (scope === undefined) throw new EvaluationError(`undefined variable "${operand.name}"`);
        return walk(scope.get(operand.name), operand.fields);
      }
      case 'group':
        return walk(this.#pipeline(operand.pipeline, dot), operand.fields);
      default:
        return walk(this.#functions[operand.name]!(), operand.fields);
    }
  }

  #at<T>(place: Place, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      const where = `${place.line}:${place.column}`;
      throw new TemplateError(`template: :${where}: executing "" at <${place.source}>: ${error.message}`);
    }
  }
}

const walk = (value: unknown, fields: string[]) => fields.reduce(field, value);

const partial = (signal: LoopSignal) => (signal as LoopSignal & { text?: string }).text ?? '';

function rangeOver(value: unknown, place: Place): Array<[unknown, unknown]> {
  if (Array.isArray(value)) return value.map((item, index) => [index, item]);
  if (value instanceof Map) return [...value].sort(([a], [b]) => (a < b ? -1 : 1));
  if (value instanceof Nil || value === null || value === undefined) return [];
  if (typeof value === 'number') return Array.from({ length: value }, (_, index) => [index, index]);
  if (typeof value === 'object') return Object.entries(value);
  const where = `${place.line}:${place.column}`;
  throw new TemplateError(
    `template: :${where}: executing "" at <${place.source}>: range can't iterate over ${printed(value)} (${typeName(value)})`,
  );
}
