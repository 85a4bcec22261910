/** The connections that the kernel tracks for a container. */

import type { Flow, FlowEnd, FlowLine } from '../../src/base/wire/index.ts';
import type { Answer } from '../answers.ts';
import { h } from '../dom.ts';
import type { Messages } from '../i18n/en.ts';
import { unready } from './unready.ts';

/** More are a matter of `bridgeport flows`. */
const SHOWN = 50;

export function flowsOf(answer: Answer<FlowLine[]>, words: Messages): Node {
  if (answer.state !== 'ready') return h('section', {}, ...unready(answer, words, words.whatFlows));
  const flows = answer.value.filter((line): line is Flow => line.event === 'open' || line.event === 'new');
  return h(
    'details',
    { 'data-key': 'flows' },
    h('summary', {}, `${words.flowsOf} (${flows.length})`),
    h(
      'ul',
      { class: 'rules' },
      ...flows
        .slice(0, SHOWN)
        .map(({ proto, client, dialled, server }) =>
          h(
            'li',
            {},
            h('span', { class: 'mono' }, `${proto} ${endOf(client)} → ${endOf(server ?? dialled)}`),
            server !== undefined && h('div', { class: 'raw' }, words.dialled(endOf(dialled))),
          ),
        ),
    ),
  );
}

function endOf({ address, port, name }: FlowEnd): string {
  const host = name ?? address;
  return port === undefined ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
