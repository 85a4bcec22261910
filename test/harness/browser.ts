/**
 * A headless Chromium in a namespace, driven by the Chrome DevTools Protocol over two pipes (`--remote-debugging-pipe`): no port is
 * opened, and nothing has to be found in another namespace.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { type Netns, soon } from './netns.ts';

const CHROMIUM = '/usr/bin/chromium';

export const hasChromium = existsSync(CHROMIUM);

/** Nothing of its own goes out, and nothing is kept. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-extensions',
  '--disable-dev-shm-usage',
  '--no-proxy-server',
  '--remote-debugging-pipe',
];

export interface BrowserOptions {
  /** Of the window, in pixels. Default 1440 × 900. */
  width?: number;
  height?: number;
}

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  sessionId?: string;
  result?: Record<string, unknown>;
  error?: { message: string };
}

export class Browser implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #input: Writable;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #pages = new Map<string, Page>();
  #last = 0;

  constructor(host: Netns, { width = 1440, height = 900 }: BrowserOptions = {}) {
    this.#profile = mkdtempSync(join(tmpdir(), 'chromium-'));
    const [program = '', ...args] = [
      ...host.enter,
      CHROMIUM,
      ...FLAGS,
      `--user-data-dir=${this.#profile}`,
      `--window-size=${width},${height}`,
    ];
    this.#process = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      // It leaves a folder where temporary files are.
      env: { ...process.env, HOME: this.#profile, TMPDIR: this.#profile },
    });
    this.#input = this.#process.stdio[3] as Writable;
    this.#input.on('error', () => {}); // it ended
    this.#read(this.#process.stdio[4] as Readable);
  }

  /** Messages end with a NUL. */
  #read(output: Readable): void {
    let rest = '';
    output.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\0');
      rest = parts.pop() ?? '';
      for (const part of parts) this.#take(JSON.parse(part) as Message);
    });
  }

  #take(message: Message): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    } else this.#pages.get(message.sessionId ?? '')?.notice(message.method ?? '', message.params ?? {});
  }

  send<T = Record<string, unknown>>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    const id = ++this.#last;
    return new Promise<T>((resolve, reject) => {
      const ended = () => reject(new Error(`${method}: the browser has ended`));
      this.#process.once('exit', ended);
      this.#waiting.set(id, ({ result, error }) => {
        this.#process.off('exit', ended);
        if (error !== undefined) reject(new Error(`${method}: ${error.message}`));
        else resolve(result as T);
      });
      this.#input.write(`${JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) })}\0`);
    });
  }

  /** A new tab, empty. */
  async open(): Promise<Page> {
    const { targetId } = await this.send<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
    const attach = { targetId, flatten: true };
    const { sessionId } = await this.send<{ sessionId: string }>('Target.attachToTarget', attach);
    const page = new Page((method, params) => this.send(method, params, sessionId));
    this.#pages.set(sessionId, page);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.send(`${domain}.enable`);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      await Promise.race([this.send('Browser.close').catch(() => {}), ended]);
      const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(timer);
    }
    // Its helpers write their last words after it has ended.
    await soon(() => rmSync(this.#profile, { recursive: true, force: true }));
  }
}

export class Page {
  readonly send: <T = Record<string, unknown>>(method: string, params?: object) => Promise<T>;
  /** Errors and warnings of the console, exceptions, and what the page's policy refused. */
  readonly complaints: string[] = [];
  /** The URL of every request. */
  readonly requests: string[] = [];

  constructor(send: (method: string, params?: object) => Promise<unknown>) {
    this.send = send as Page['send'];
  }

  notice(method: string, params: Record<string, unknown>): void {
    if (method === 'Network.requestWillBeSent') {
      this.requests.push((params.request as { url: string }).url);
    } else if (method === 'Runtime.exceptionThrown') {
      const { exceptionDetails: details } = params as {
        exceptionDetails: { text: string; exception?: { description?: string } };
      };
      this.complaints.push(details.exception?.description ?? details.text);
    } else if (method === 'Log.entryAdded') {
      const { entry } = params as { entry: { level: string; text: string; url?: string } };
      if (entry.level !== 'info' && entry.level !== 'verbose')
        this.complaints.push(`${entry.text} ${entry.url ?? ''}`);
    } else if (method === 'Runtime.consoleAPICalled') {
      const { type, args } = params as {
        type: string;
        args: Array<{ value?: unknown; description?: string }>;
      };
      if (type === 'error' || type === 'warning') {
        this.complaints.push(args.map(({ value, description }) => description ?? String(value)).join(' '));
      }
    }
  }

  /** Loads `url` anew, also when it differs from the present one behind `#` only. */
  async go(url: string): Promise<void> {
    await this.send('Page.navigate', { url: 'about:blank' });
    await this.send('Page.navigate', { url });
  }

  /** The value of an expression, which may be a promise. Throws what it throws. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send<{
      result: { value: T };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    }>('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails !== undefined) {
      throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    }
    return result.value;
  }

  /** Waits until an expression is true. */
  async until(expression: string, milliseconds = 15_000): Promise<void> {
    await soon(async () => {
      if (!(await this.evaluate<boolean>(`Boolean(${expression})`)))
        throw new Error(`not true: ${expression}`);
    }, milliseconds);
  }

  /** The text of an element; empty when there is none. */
  text(selector: string): Promise<string> {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ''`);
  }

  click(selector: string): Promise<void> {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
  }

  /** A press of the mouse, by pixels of the window. */
  async clickAt({ x, y }: { x: number; y: number }): Promise<void> {
    for (const type of ['mouseMoved', 'mousePressed', 'mouseReleased']) {
      await this.send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
    }
  }

  /** One key, as `KeyboardEvent.key` names it: `Tab`, `ArrowDown`, `f`. */
  async press(key: string, { shift = false }: { shift?: boolean } = {}): Promise<void> {
    const code: Record<string, number> = {
      Tab: 9,
      Enter: 13,
      Escape: 27,
      ArrowLeft: 37,
      ArrowUp: 38,
      ArrowRight: 39,
      ArrowDown: 40,
    };
    const event = {
      key,
      modifiers: shift ? 8 : 0,
      windowsVirtualKeyCode: code[key] ?? key.toUpperCase().charCodeAt(0),
      ...(key.length === 1 ? { text: key } : key === 'Enter' ? { text: '\r' } : {}),
    };
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  async type(text: string): Promise<void> {
    await this.send('Input.insertText', { text });
  }

  async screenshot(path: string): Promise<void> {
    const { data } = await this.send<{ data: string }>('Page.captureScreenshot', { format: 'png' });
    writeFileSync(path, Buffer.from(data, 'base64'));
  }
}
