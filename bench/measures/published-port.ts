/** What one published port costs a start and an end. No goal is set for it. */

import { type Measure, timed } from '../measure.ts';
import type { Side } from '../sides/side.ts';

async function startAndRemove(side: Side, published: boolean): Promise<{ up: number; down: number }> {
  const id = await side.create(
    published
      ? { exposed: ['80/tcp'], hostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } } }
      : {},
  );
  const up = await timed(() => side.api('POST', `/v1.41/containers/${id}/start`));
  const down = await timed(() => side.api('DELETE', `/v1.41/containers/${id}?force=1`));
  await side.clear();
  return { up, down };
}

export const publishedPort: Measure = {
  name: 'published-port',
  claim: '`-p 8080:80` adds less to a start and to an end than with dockerd',
  rounds: 20,
  async round(side, read) {
    const without = await startAndRemove(side, false);
    read('start', without.up);
    read('rm -f', without.down);
    const published = await startAndRemove(side, true);
    read('start -p 8080:80', published.up);
    read('rm -f -p 8080:80', published.down);
  },
  goals: [],
};
