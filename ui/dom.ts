/** Elements made by functions: every word goes in as text, so that no name can become markup. */

type Child = Node | string | number | undefined | false;

export interface Attributes {
  /** Set as attributes; undefined and false leave one out, true is an empty one. */
  [name: string]: string | number | boolean | undefined | ((event: Event) => void);
}

/** `h('button', { type: 'button', onclick: run }, 'Run')`: functions are listeners, by `on` and the event's name. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value);
    else if (value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== undefined && child !== false).map(asNode));
  return element;
}

const asNode = (child: Node | string | number) => (typeof child === 'object' ? child : String(child));

/** An element of the page's own markup. Throws when it is not there: markup and code do not fit then. */
export function part<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no part ${JSON.stringify(id)}`);
  return element as T;
}

/**
 * Shows `children` in `parent`. What is the same as before is not touched, so that what somebody reads, selects or has opened stays as
 * it is; the focus goes back to the element that has the same `data-key` as the one that had it.
 */
export function show(parent: HTMLElement, ...children: Child[]): void {
  const next = h('div', {}, ...children);
  for (const kept of parent.querySelectorAll<HTMLDetailsElement>('details[data-key]')) {
    next.querySelector(byKey(kept.dataset.key))?.toggleAttribute('open', kept.open);
  }
  const focused = document.activeElement;
  const key = focused !== null && parent.contains(focused) ? focused.getAttribute('data-key') : null;
  const nodes = [...next.childNodes];
  nodes.forEach((node, at) => {
    const old = parent.childNodes[at];
    if (old === undefined) parent.append(node);
    else if (!old.isEqualNode(node)) old.replaceWith(node);
  });
  while (parent.childNodes.length > nodes.length) parent.lastChild?.remove();
  if (key !== null && !parent.contains(document.activeElement)) {
    parent.querySelector<HTMLElement>(byKey(key))?.focus();
  }
}

const byKey = (key = '') => `[data-key="${CSS.escape(key)}"]`;

/** A list of terms, without those that have nothing to say. */
export function facts(...rows: Array<[string, Child | Child[]]>): HTMLElement {
  const said = rows.filter(([, value]) =>
    Array.isArray(value) ? value.length > 0 : value !== undefined && value !== '',
  );
  return h(
    'dl',
    { class: 'facts' },
    ...said.flatMap(([term, value]) => [
      h('dt', {}, term),
      ...(Array.isArray(value) ? value : [value]).map((one) => h('dd', {}, one)),
    ]),
  );
}
