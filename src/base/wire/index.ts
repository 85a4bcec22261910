/** The vocabulary of the Docker Engine API. Types only: nothing here exists at run time. */

export type * from './capture.ts';
export type * from './container.ts';
export type * from './doctor.ts';
export type * from './explain.ts';
export type * from './exposure.ts';
export type * from './flow.ts';
export type * from './image.ts';
export type * from './map.ts';
export type * from './network.ts';
export type * from './ports.ts';
export type * from './system.ts';
export type * from './traffic.ts';
export type * from './volume.ts';
