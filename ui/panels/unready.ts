import type { Answer } from '../answers.ts';
import { h } from '../dom.ts';
import type { Messages } from '../i18n/en.ts';

/** What is said in place of an answer. `what` is what the daemon does not tell. */
export function unready(
  answer: Exclude<Answer<unknown>, { state: 'ready' }>,
  words: Messages,
  what: string,
): Node[] {
  switch (answer.state) {
    case 'loading':
      return [h('p', { class: 'quiet' }, words.whyAsking)];
    case 'absent':
      return [h('p', { class: 'quiet' }, words.notThere(what))];
    case 'failed':
      return [h('p', { class: 'flag', role: 'alert' }, words.couldNotAsk(answer.why))];
  }
}
