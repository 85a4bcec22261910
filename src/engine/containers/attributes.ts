import type { EngineContext } from '../context.ts';
import type { Container } from './container.ts';
import type { ContainerRecord } from './record.ts';

/** What every event of a container carries: its labels, its image and its name. */
export function containerAttributes(record: ContainerRecord): Record<string, string> {
  return { ...record.config.Labels, image: record.config.Image, name: record.name };
}

/** Tells the listeners of events what happened to a container. */
export function emitContainerEvent(
  { events }: Pick<EngineContext, 'events'>,
  { id, record }: Pick<Container, 'id' | 'record'>,
  action: string,
  more: Record<string, string> = {},
): void {
  events.publish('container', action, id, { ...containerAttributes(record), ...more });
}
