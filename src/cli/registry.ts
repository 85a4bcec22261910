import type { Command, CommandEntry } from './command.ts';

/*
 * Every command by its name. A command's module is loaded when it is called: `bridgeport version` reads three files,
 * not sixty.
 */

const entry = (summary: string, load: () => Promise<Command>): CommandEntry => ({ summary, load });

const run = entry(
  'Create and run a new container from an image',
  async () => (await import('./commands/run.ts')).run,
);
const create = entry('Create a new container', async () => (await import('./commands/create.ts')).create);
const ps = entry('List containers', async () => (await import('./commands/ps.ts')).ps);
const logs = entry('Fetch the logs of a container', async () => (await import('./commands/logs.ts')).logs);
const rm = entry('Remove one or more containers', async () => (await import('./commands/rm.ts')).rm);
const images = entry('List images', async () => (await import('./commands/images.ts')).images);
const importImage = entry(
  'Import the contents from a tarball to create a filesystem image',
  async () => (await import('./commands/import.ts')).importImage,
);
const version = entry(
  'Show the Bridgeport version information',
  async () => (await import('./commands/version.ts')).version,
);

/** The commands as `bridgeport --help` lists them. */
export const commands: Record<string, CommandEntry> = {
  run,
  ps,
  images,
  version,
  create,
  import: importImage,
  logs,
  rm,
};
