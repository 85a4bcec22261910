/** `elkjs/lib/elk-api.js`, which leaves its one class on `globalThis`: it is no module. */

import type { ELKConstructorArguments, ELK as ElkInstance } from 'elkjs/lib/elk-api.js';

declare global {
  var ELK: new (args: ELKConstructorArguments) => ElkInstance;
}
