import { messageOf } from '../../base/errors.ts';
import { ExitError } from '../client/errors.ts';
import type { CliContext } from '../context.ts';
import { Template, TemplateError } from '../template/template.ts';
import { fromJson } from '../template/values.ts';
import { reindent } from './json.ts';

/**
 * Prints what `fetch` returns (JSON text) for every name: as an indented array, on one line (`json`), or through a
 * template. Names that fail are told on stderr after the others are printed.
 *
 * Throws `ExitError` 64 for a template that cannot be read, 1 when a name failed.
 */
export async function printInspected(
  context: CliContext,
  names: readonly string[],
  format: string,
  fetch: (name: string) => Promise<string>,
): Promise<void> {
  let template: Template | undefined;
  try {
    if (format !== '' && format !== 'json') template = new Template(format);
  } catch (error) {
    throw new ExitError(64, `template parsing error: ${messageOf(error)}`);
  }
  const failures: string[] = [];
  const found: string[] = [];
  for (const name of names) {
    try {
      const text = await fetch(name);
      found.push(template ? `${template.render(fromJson(JSON.parse(text)))}\n` : text.trim());
    } catch (error) {
      const prefix = error instanceof TemplateError ? 'template parsing error: ' : '';
      failures.push(prefix + messageOf(error));
    }
  }
  if (template) context.out(found.length > 0 ? found.join('') : '\n');
  else context.out(`${reindent(`[${found.join(',')}]`, format === 'json' ? 0 : 4)}\n`);
  if (failures.length > 0) throw new ExitError(1, failures.join('\n'));
}
