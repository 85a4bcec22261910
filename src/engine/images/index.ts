/** What other parts of the engine use of the images. */

export type { ImageConfigFile, ImageRunConfig } from '../../runtime/registry/descriptor.ts';
export type { Image, ImageUser } from './image.ts';
export type { Progress } from './progress.ts';
export { ImageService, type ImageServiceOptions } from './service.ts';
export type { ImageLog } from './store.ts';
