import { HEADER_FUNCTIONS } from '../template/functions.ts';
import { Template, TemplateError } from '../template/template.ts';
import { TYPE_NAME } from '../template/values.ts';
import { alignColumns } from './table.ts';

/** One row: a value per field; functions (like `Label`) are callable from a template but not listed. */
export type Row = Record<string, unknown>;

/** What a list of things needs to know to be shown. */
export interface ListView {
  /** Column headers by field; every field a template may name is here. */
  headers: Record<string, string>;
  /** The template of the default table, without the word `table`. */
  table: string;
  /** The template of `--format raw`. */
  raw?: string;
  /** Name of the row's type, for messages. */
  type: string;
}

/**
 * The text of a list, line end included: `format` is empty or `table` (the default table), `table TEMPLATE`, `raw`,
 * `json`, or a template per row.
 *
 * Throws an `Error` (`failed to parse template: …`, `failed to execute template: …`) for a template that cannot be read
 * or does not fit.
 */
export function renderList(view: ListView, rows: readonly Row[], format: string): string {
  const isTable = format === '' || format.startsWith('table');
  const template = guarded('parse', () => new Template(unescaped(templateOf(view, format))));
  return guarded('execute', () => {
    const lines = rows.map((row) => `${template.render(prepared(row, view))}\n`);
    if (!isTable) return lines.join('');
    const header = template.render({ ...view.headers, Label: labelHeader }, HEADER_FUNCTIONS);
    return alignColumns(`${header}\n${lines.join('')}`);
  });
}

function guarded<T>(verb: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TemplateError) throw new Error(`failed to ${verb} template: ${error.message}`);
    throw error;
  }
}

/** True when showing `format` needs the field `name`. */
export function usesField(format: string, name: string): boolean {
  return new RegExp(`\\.${name}\\b`).test(format);
}

function templateOf(view: ListView, format: string): string {
  if (format === '' || format === 'table') return view.table;
  if (format.startsWith('table')) return format.slice('table'.length).replace(/^ +| +$/g, '');
  if (format === 'json') return '{{json .}}';
  if (format === 'raw' && view.raw !== undefined) return view.raw;
  return format.replace(/^ +| +$/g, '');
}

/** Shells make it hard to write a tab: `\t` and `\n` in a format mean what they say. */
const unescaped = (format: string) => format.replaceAll('\\t', '\t').replaceAll('\\n', '\n');

function prepared(row: Row, view: ListView): Row {
  const sorted = Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1));
  const result = Object.fromEntries(sorted);
  Object.defineProperty(result, TYPE_NAME, { value: view.type });
  return result;
}

/** The header of `{{.Label "com.example.build-date"}}` is `build date`. */
function labelHeader(name: unknown): string {
  return String(name).split('.').at(-1)!.replace(/[-_]/g, ' ');
}
