import type { ContainerRecord } from './record.ts';

/** What every event of a container carries: its labels, its image and its name. */
export function containerAttributes(record: ContainerRecord): Record<string, string> {
  return { ...record.config.Labels, image: record.config.Image, name: record.name };
}
