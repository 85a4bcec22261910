import { messageOf } from '../../base/errors.ts';
import { defineCommand } from '../command.ts';
import { checkReference, qualifiedName, splitReference } from '../format/reference.ts';

export const tag = defineCommand({
  use: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  summary: 'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE',
  aliases: ['bridgeport image tag', 'bridgeport tag'],
  args: { min: 2, max: 2 },
  flags: {},
  async run(context, { args: [source = '', target = ''] }) {
    try {
      checkReference(target);
    } catch (error) {
      throw new Error(
        `Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${messageOf(error)}`,
      );
    }
    if (target.includes('@')) throw new Error('refusing to create a tag with a digest reference');
    const { name, tag: wanted } = splitReference(target);
    await context.client.text('POST', `/images/${imagePath(source)}/tag`, {
      query: { repo: qualifiedName(name), tag: wanted || 'latest' },
    });
    return 0;
  },
});

/** An image name in a path of the API: its slashes and colons stay. */
export function imagePath(name: string): string {
  return encodeURIComponent(name).replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%40', '@');
}
