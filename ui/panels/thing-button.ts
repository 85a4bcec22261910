import { h } from '../dom.ts';

/** Goes to a thing of the picture. */
export function thingButton(id: string, label: string, choose: (id: string) => void): HTMLElement {
  return h(
    'button',
    { type: 'button', class: 'plain', 'data-key': `go-${id}-${label}`, onclick: () => choose(id) },
    label,
  );
}
