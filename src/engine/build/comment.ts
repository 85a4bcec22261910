/** How a step that changes the configuration alone is shown in an image's history, as Docker has it. Pure. */

import { type ConfigDraft, commandOf, expand, expandPairs, jsonWords } from '../images/changes.ts';
import { splitWords } from '../images/words.ts';

/** `draft` is the configuration before the step. */
export function commentOf(draft: ConfigDraft, name: string, rest: string): string {
  switch (name) {
    case 'ENV':
    case 'LABEL':
      return `${name} ${expandPairs(draft, name, rest)
        .map(([key, value]) => `${key}=${value}`)
        .join(' ')}`;
    case 'CMD':
    case 'ENTRYPOINT':
      return `${name} [${commandOf(draft, rest)
        .map((word) => JSON.stringify(word))
        .join(' ')}]`;
    case 'VOLUME':
      return `${name} [${(jsonWords(rest) ?? splitWords(rest, draft.escapeChar))
        .map((word) => expand(draft, word))
        .join(' ')}]`;
    case 'USER':
    case 'STOPSIGNAL':
      return `${name} ${expand(draft, rest)}`;
    default:
      return `${name} ${rest}`;
  }
}
