/** Why a name has no address to send to: in words, whose doing it is, and what would change it. Pure. */

import type { NameQuestion } from '../../../base/name-question.ts';
import type { WhyCause, WhyReport } from '../../../base/wire/index.ts';
import type { WhyContext } from './context.ts';
import { type NameFault, serverText } from './names.ts';
import { containerOwner } from './owners.ts';
import { joinNetwork } from './remedies.ts';

export function nameCause(name: string, fault: NameFault, context: WhyContext): WhyCause {
  const { text, from, to, records } = context;
  const { causes, words } = text;
  const { container } = from;
  const here =
    container === undefined
      ? ({ kind: 'host', text: words.host } as const)
      : containerOwner(container, context);
  switch (fault.kind) {
    case 'name-unknown': {
      const server =
        fault.server === undefined ? undefined : serverText(fault.server, to.name?.resolution, text);
      const said = causes.nameUnknown(name, server ?? '/etc/hosts');
      return { kind: fault.kind, text: said, owner: here, remedies: [addHost(name, context)] };
    }
    case 'name-empty':
      return {
        kind: fault.kind,
        text: causes.nameEmpty(name, fault.family),
        owner: here,
        remedies: [addHost(name, context)],
      };
    case 'name-blocked':
      return {
        kind: fault.kind,
        text: causes.nameBlocked(name, fault.address),
        owner: here,
        remedies: [otherServer(context)],
      };
    case 'name-internal':
      return {
        kind: fault.kind,
        text: causes.nameInternal(container?.name ?? ''),
        owner: here,
        remedies: [joinNetwork('bridge', container, records)],
      };
    case 'name-unanswered':
      return unanswered(name, fault.question, undefined, context);
  }
}

/**
 * A name whose server did not answer.
 *
 * @param way what `why` says of the way to the server that was to be asked; `undefined` where it answered, that it cannot tell
 */
export function unanswered(
  name: string,
  question: NameQuestion,
  way: WhyReport | undefined,
  context: WhyContext,
): WhyCause {
  const { text, to } = context;
  const { causes, words, steps } = text;
  const server = serverText(question.server ?? '', to.name?.resolution, text);
  const far = way === undefined ? server : words.nameServer(way.to.address ?? '');
  if (way?.answer === 'no' && way.cause !== undefined) {
    return { ...way.cause, kind: 'name-unasked', text: causes.nameUnasked(name, far, way.cause.text) };
  }
  const isOpen = way?.answer === 'yes';
  const isForwarded = to.name?.resolution?.embedded?.address === question.server;
  const said =
    isOpen && isForwarded
      ? causes.nameUnforwarded(name, server, far)
      : isOpen && question.outcome === 'silent'
        ? causes.nameUnanswered(name, far)
        : causes.nameFails(name, server, steps.nameAnswer(question));
  return {
    kind: 'name-unanswered',
    text: said,
    owner: { kind: 'host', text: far },
    remedies: [otherServer(context)],
  };
}

/** A name of one's own, which goes before the name servers'. */
function addHost(name: string, { from }: Pick<WhyContext, 'from'>): string {
  const { container } = from;
  return container === undefined
    ? `echo 'ADDRESS ${name}' >>/etc/hosts`
    : `docker run --add-host ${name}:ADDRESS … ${container.image}`;
}

/** The host's file is also that of containers whose resolver asks the host's name servers. */
function otherServer({ from, to }: Pick<WhyContext, 'from' | 'to'>): string {
  const { container } = from;
  const [first] = to.name?.resolution?.embedded?.upstreams ?? [];
  return container === undefined || first?.from === 'host'
    ? 'editor /etc/resolv.conf'
    : `docker run --dns ADDRESS … ${container.image}`;
}
