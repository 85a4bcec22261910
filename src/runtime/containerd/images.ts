/** containerd.services.images.v1: names for content, and what keeps it from the garbage collector. */

import type { CallOptions, ImageInput, ImageRecord, Images } from './api.ts';
import { type Caller, service } from './caller.ts';
import {
  bool,
  empty,
  field,
  fieldMask,
  message,
  type Of,
  repeated,
  string,
  stringMap,
  sub,
  subs,
  timestamp,
} from './protobuf.ts';
import { descriptorMessage, toDate, toDescriptor } from './types.ts';

const image = message({
  name: field(1, string),
  labels: stringMap(2),
  target: sub(3, descriptorMessage),
  createdAt: field(7, timestamp),
  updatedAt: field(8, timestamp),
});
const one = message({ image: sub(1, image) });

const method = service('containerd.services.images.v1.Images');
const Get = method('Get', message({ name: field(1, string) }), one);
const List = method('List', message({ filters: repeated(1, string) }), message({ images: subs(1, image) }));
const Create = method('Create', one, one);
const Update = method('Update', message({ image: sub(1, image), updateMask: sub(2, fieldMask) }), one);
const Delete = method('Delete', message({ name: field(1, string), sync: field(2, bool) }), empty);

export class ImagesService implements Images {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async create(input: ImageInput, options?: CallOptions): Promise<ImageRecord> {
    const answer = await this.#caller.call(Create, `create image "${input.name}"`, { image: input }, options);
    return toImage(answer.image!);
  }

  async update(input: ImageInput, fields: string[] = [], options?: CallOptions): Promise<ImageRecord> {
    const request = { image: input, updateMask: fields.length > 0 ? { paths: fields } : undefined };
    const answer = await this.#caller.call(Update, `update image "${input.name}"`, request, options);
    return toImage(answer.image!);
  }

  async get(name: string, options?: CallOptions): Promise<ImageRecord> {
    const answer = await this.#caller.call(Get, `get image "${name}"`, { name }, options);
    return toImage(answer.image!);
  }

  async list(filters: string[] = [], options?: CallOptions): Promise<ImageRecord[]> {
    const answer = await this.#caller.call(List, 'list images', { filters }, options);
    return answer.images.map(toImage);
  }

  async delete(name: string, options: CallOptions & { sync?: boolean } = {}): Promise<void> {
    await this.#caller.call(Delete, `delete image "${name}"`, { name, sync: options.sync }, options);
  }
}

const toImage = (found: Of<typeof image>): ImageRecord => ({
  name: found.name,
  labels: found.labels,
  target: toDescriptor(found.target),
  createdAt: toDate(found.createdAt),
  updatedAt: toDate(found.updatedAt),
});
