/** `docker events --filter`: values of one name are alternatives, names are all required. */

import type { EventMessage, Filters } from '../../base/wire/index.ts';
import { matchesLabels } from '../filters.ts';

export function matchesEvent(event: EventMessage, filters: Filters): boolean {
  for (const [name, values] of Object.entries(filters)) {
    if (values.length > 0 && !matchesOne(event, name, values)) return false;
  }
  return true;
}

function matchesOne(event: EventMessage, name: string, values: string[]): boolean {
  const attributes = event.Actor.Attributes;
  const isNamed = (type: EventMessage['Type']) =>
    event.Type === type &&
    values.some((value) => event.Actor.ID.startsWith(value) || attributes.name === value.replace(/^\//, ''));
  switch (name) {
    case 'event':
      // `health_status` matches `health_status: healthy`, `exec_start` matches `exec_start: sh -c …`.
      return values.some((value) => event.Action === value || event.Action.startsWith(`${value}:`));
    case 'type':
      return values.includes(event.Type);
    case 'scope':
      return values.includes(event.scope);
    case 'label':
      return matchesLabels(attributes, values);
    case 'container':
    case 'network':
    case 'volume':
    case 'daemon':
      return isNamed(name);
    case 'image':
      return values.some(
        (value) =>
          (event.Type === 'image' && (event.Actor.ID === value || attributes.name === value)) ||
          attributes.image === value ||
          withoutTag(attributes.image ?? '') === value ||
          (event.Type === 'image' && withoutTag(event.Actor.ID) === value),
      );
    default:
      return true;
  }
}

function withoutTag(reference: string): string {
  return reference.replace(/(@.*|:[^/:]*)$/, '');
}
