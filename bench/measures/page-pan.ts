/**
 * Frames of the page while its picture is dragged about, with 200 containers in it: in headless Chromium without a GPU, on
 * a synthetic map, so that neither a graphics card nor 200 containers are needed.
 */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Browser, hasChromium, type Page } from '../../test/harness/browser.ts';
import { fakeDaemonScript } from '../../ui/testing/fake-daemon.ts';
import { syntheticMap } from '../../ui/testing/maps.ts';
import { type Measure, medianGoal, type Read } from '../measure.ts';
import type { Side } from '../sides/side.ts';

const BRIDGEPORT = join(import.meta.dirname, '../../bin/bridgeport');

const MAP = syntheticMap({ containers: 200, networks: 10 });

/** Milliseconds of one drag. */
const DRAG = 4000;
/** Milliseconds in which the renderer's caches fill after a change of the zoom. */
const SETTLED = 1500;

const MEDIAN = 'all in sight: frame, median';
const LATE = 'all in sight: frame, 95 of 100';

export const pagePan: Measure = {
  name: 'page-pan',
  claim: 'the page with 200 containers is dragged at 60 frames a second',
  rounds: 3,
  warmUps: 0,
  async round(side, read) {
    if (side.name !== 'ours') return;
    if (!hasChromium) throw new Error('chromium is not installed: apt-get install chromium');
    await using page = await openPage(side);
    await drag(page.tab, read, 'all in sight');
    for (let times = 0; times < 6; times++) await page.tab.click('#zoom-in');
    await drag(page.tab, read, 'near enough to read');
  },
  goals: [
    medianGoal(MEDIAN, 17, 'ms', '60 frames a second'),
    medianGoal(LATE, 34, 'ms', 'not one frame in twenty misses more than its turn'),
  ],
};

async function openPage(side: Side): Promise<AsyncDisposable & { tab: Page }> {
  const command = spawn(BRIDGEPORT, ['ui', '--no-open'], {
    env: { ...process.env, BRIDGEPORT_HOST: side.url },
  });
  const url = await new Promise<string>((resolve, reject) => {
    command.stdout.once('data', (chunk: Buffer) => resolve(String(chunk).trim()));
    command.once('exit', (code) => reject(new Error(`bridgeport ui: exit status ${code}`)));
  });
  const browser = new Browser(side.host);
  const tab = await browser.open();
  await tab.send('Page.addScriptToEvaluateOnNewDocument', { source: fakeDaemonScript(MAP) });
  await tab.go(url);
  await tab.until("document.getElementById('graph').dataset.drawn > 0");
  return {
    tab,
    async [Symbol.asyncDispose]() {
      command.removeAllListeners('exit');
      command.kill();
      await browser[Symbol.asyncDispose]();
    },
  };
}

/** As a hand would: the pointer goes round, as fast as the browser takes its events. */
async function drag(page: Page, read: Read, label: string): Promise<void> {
  await sleep(SETTLED);
  const mouse = (type: string, x: number, y: number, buttons: number) =>
    page.send('Input.dispatchMouseEvent', { type, x, y, button: 'left', buttons, clickCount: 1 });
  await page.evaluate(`globalThis.frames_ = []; (function frame(time) {
    frames_.push(time);
    if (frames_) requestAnimationFrame(frame);
  })(performance.now())`);
  await page.send('Performance.enable', { timeDomain: 'threadTicks' });
  const before = await threadTime(page);
  await mouse('mousePressed', 640, 450, 1);
  const end = performance.now() + DRAG;
  for (let move = 0; performance.now() < end; move++) {
    await mouse('mouseMoved', 640 + 150 * Math.sin(move / 15), 450 + 100 * Math.cos(move / 11), 1);
  }
  await mouse('mouseReleased', 640, 450, 0);
  const used = (await threadTime(page)) - before;
  const times = await page.evaluate<number[]>(
    '(() => { const all = frames_; globalThis.frames_ = undefined; return all; })()',
  );
  const frames = times.slice(2).map((time, at) => time - (times[at + 1] ?? time));
  const sorted = frames.toSorted((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  read(`${label}: frame, median`, quantile(0.5));
  read(`${label}: frame, 95 of 100`, quantile(0.95));
  read(`${label}: longest frame`, quantile(1));
  read(`${label}: main thread, a frame`, used / frames.length);
}

/** Milliseconds of CPU that the page's main thread has used; unlike the clock it hardly depends on what else the machine does. */
async function threadTime(page: Page): Promise<number> {
  type Metrics = { metrics: Array<{ name: string; value: number }> };
  const { metrics } = await page.send<Metrics>('Performance.getMetrics');
  return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1000;
}
