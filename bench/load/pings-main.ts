/** The thread behind `Pings`: `GET /_ping` again and again, over a kept connection. */

import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

/** Milliseconds between an answer and the next question. */
const PAUSE = 2;

const agent = new Agent({ keepAlive: true });
let longest = 0;

function ping(): Promise<void> {
  const since = performance.now();
  return new Promise((resolve, reject) => {
    request({ socketPath: workerData as string, path: '/_ping', agent }, (response) => {
      response.resume().once('end', () => {
        longest = Math.max(longest, performance.now() - since);
        resolve();
      });
    })
      .once('error', reject)
      .end();
  });
}

parentPort?.on('message', () => {
  parentPort?.postMessage(longest);
  longest = 0;
});

for (;;) {
  await ping();
  await sleep(PAUSE);
}
