/** Whose something is, where no rule decides. Pure. */

import type { ExplainOwner } from '../../../base/wire/index.ts';
import type { WhyContext } from './context.ts';

export function networkOwned({ id, name }: { id: string; name: string }, { text }: WhyContext): ExplainOwner {
  return { kind: 'network', network: { id, name }, text: text.words.network(name) };
}

export function containerOwner(container: { id: string; name: string }, { text }: WhyContext): ExplainOwner {
  const { id, name } = container;
  return { kind: 'container', container: { id, name }, text: text.words.container(name) };
}
