import { registryAuth } from '../client/docker-config.ts';
import { jsonLines } from '../client/json-lines.ts';
import { type CliContext, columnsOf } from '../context.ts';
import { type ProgressMessage, showProgress } from '../format/progress.ts';
import { qualifiedName, splitReference } from '../format/reference.ts';

/** How an image is pulled. */
export interface PullOptions {
  platform: string;
  /** No progress. */
  quiet: boolean;
  allTags?: boolean;
  /** Where the progress goes: stdout for `pull`, stderr for `run`, whose stdout belongs to the container. */
  output: 'stdout' | 'stderr';
}

/** Pulls `reference` and draws the progress. Throws an `Error` with the daemon's words when it fails. */
export async function pullImage(context: CliContext, reference: string, options: PullOptions): Promise<void> {
  const { client, io } = context;
  const { name, tag, digest } = splitReference(reference);
  const response = await client.request('POST', '/images/create', {
    query: {
      fromImage: qualifiedName(name),
      tag: options.allTags ? undefined : digest || tag || 'latest',
      platform: options.platform.toLowerCase(),
    },
    headers: { 'X-Registry-Auth': registryAuth(context.config(), reference) },
  });
  const output = io[options.output];
  const { Writable } = await import('node:stream');
  const sink = options.quiet ? new Writable({ write: (_chunk, _encoding, done) => done() }) : output;
  await showProgress(jsonLines<ProgressMessage>(response), sink, {
    terminal: !options.quiet && output.isTTY === true,
    width: columnsOf(io),
    now: context.now,
  });
}
