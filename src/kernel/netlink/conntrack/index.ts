/** Tracked connections: list them, forget them. */
export { ConntrackClient } from './client.ts';
export type {
  ConntrackCounters,
  ConntrackEntry,
  ConntrackFilter,
  ConntrackTuple,
  ProtocolName,
} from './entry.ts';
export { type ConntrackEvent, watchConntrack } from './events.ts';
