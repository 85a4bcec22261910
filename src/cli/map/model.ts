/* The picture's model belongs to the API: the daemon answers it, the command line draws it. */

export type {
  MapContainer,
  MapEndpoint,
  MapHost,
  MapInterface,
  MapLink,
  MapNetwork,
  MapPort,
  NetworkMap,
} from '../../base/wire/map.ts';
