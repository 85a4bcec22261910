/** The page in a real browser, on the test host itself, against a running daemon. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { NetworkMap, Traffic, WhyReport } from '../../src/base/wire/index.ts';
import { Browser, hasChromium, type Page } from '../harness/browser.ts';
import { soon } from '../harness/netns.ts';
import { useStage } from '../harness/stage.ts';

const OBSERVER = join(import.meta.dirname, '../../src/daemon/observer/page-main.ts');

const ADDRESS = '127.0.0.1:8088';

/** Chromium ends requests while an address of the host comes or goes; the page asks again. */
const ours = (complaint: string) => !complaint.includes('ERR_NETWORK_CHANGED');

describe('the page', () => {
  if (!hasChromium) {
    // A suite that is skipped is not counted; a test is.
    it('in a browser', { skip: 'chromium is not installed: apt-get install chromium' }, () => {});
    return;
  }
  const stage = useStage({ name: 'ui', images: ['busybox', 'web'], args: ['--ui-address', ADDRESS] });
  let browser: Browser;
  let page: Page;

  const names = () =>
    page.evaluate<string[]>("[...document.querySelectorAll('#list .name')].map((one) => one.innerText)");
  const option = (name: string) =>
    `[...document.querySelectorAll('[role=option]')].find((one) => one.innerText.startsWith(${JSON.stringify(name)}))`;
  /** What is still being loaded while a container's interface comes is ended as well: then it is loaded again. */
  const open = async () => {
    const url = (await stage.daemon.bridgeport('ui', '--no-open')).split('\n')[0] ?? '';
    const isDrawn = () => page.evaluate<boolean>("document.getElementById('graph')?.dataset.drawn > 0");
    do {
      const known = page.complaints.length;
      await page.go(url);
      await soon(async () => {
        const isEnded = !page.complaints.slice(known).every(ours);
        if (!isEnded && !(await isDrawn())) throw new Error('the page draws nothing');
      }, 15_000);
    } while (!(await isDrawn()));
  };
  const listed = (name: string) => page.until(option(name));

  before(async () => {
    browser = new Browser(stage.host);
    page = await browser.open();
  });
  after(async () => {
    await browser[Symbol.asyncDispose]();
  });

  it('shows what is there, as it comes and goes, and asks nobody but the daemon', async () => {
    const { cli } = stage;
    await cli('network', 'create', 'shop');
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', '-p', '127.0.0.1:9000:81', 'web');
    await open();
    await listed('web');
    assert.equal(await page.evaluate('location.hash'), '', 'the token is not in the address bar');
    assert.ok(!(await names()).includes('cart'));
    await cli(
      'run',
      '-d',
      '--name',
      'cart',
      '--network',
      'shop',
      '--network-alias',
      'basket',
      'busybox',
      'sleep',
      '600',
    );
    await listed('cart');

    await page.evaluate(`${option('cart')}.click()`);
    const details = await page.text('#panel');
    assert.match(details, /172\.18\.0\.2\/16/);
    assert.match(details, /basket/, 'the names that the resolver answers');
    assert.match(details, /eth0 #\d+ ══ veth[0-9a-f]{7} #\d+/);

    await page.click('#tab-ports');
    await page.until("document.querySelectorAll('#panel tbody tr').length === 2");
    await page.until("document.querySelector('#panel .reach.host')");
    const rows = await page.evaluate<string[]>(
      "[...document.querySelectorAll('#panel tbody tr')].map((one) => one.innerText)",
    );
    assert.match(rows[0] ?? '', /8080 → 80\/tcp\s+web\s+kernel \+ proxy\s+the local network/);
    assert.match(rows[1] ?? '', /127\.0\.0\.1:9000 → 81\/tcp\s+web\s+kernel \+ proxy\s+this host only/);

    // On a second network it leaves the rack of its first, whose rail comes and goes with it.
    const wires = "document.getElementById('graph')._cyreg.cy.edges('.wire').length";
    assert.equal(await page.evaluate(wires), 2);
    await cli('network', 'connect', 'bridge', 'cart');
    await page.until(`${wires} === 3`);
    await cli('network', 'disconnect', 'bridge', 'cart');
    await page.until(`${wires} === 2`);

    await cli('rm', '-f', 'cart');
    await page.until(`!(${option('cart')})`);
    assert.deepEqual(page.complaints.filter(ours), []);
    for (const url of page.requests) assert.ok(url.startsWith(`http://${ADDRESS}/bridgeport/`), url);
    assert.ok(!page.requests.some((url) => url.replace(/#.*/, '').includes('token')), 'nor in a request');
  });

  it('draws the way of a packet, where it ends in red, and says whose the rule is', async () => {
    const { cli, host } = stage;
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'web');
    await open();
    await listed('web');
    const classes = (id: string) =>
      page.evaluate<string[]>(
        `[...document.getElementById('graph')._cyreg.cy.getElementById(${JSON.stringify(id)}).classes()]`,
      );
    const web = `box:${await cli('inspect', '--format', '{{.Id}}', 'web')}`;
    await page.click('#tab-why');
    for (const id of ['world', web]) {
      const place = await page.evaluate<{ x: number; y: number }>(
        `(() => {
          const frame = document.getElementById('graph').getBoundingClientRect();
          const { x, y } = document.getElementById('graph')._cyreg.cy.getElementById(${JSON.stringify(id)}).renderedPosition();
          return { x: frame.x + x, y: frame.y + y };
        })()`,
      );
      await page.clickAt(place);
    }
    await page.until("document.querySelector('.verdict.yes')");
    for (const id of ['world', 'nic:eth0', 'wall', web]) assert.ok((await classes(id)).includes('path'), id);
    assert.ok(!(await classes('wall')).includes('failing'));
    assert.equal(await page.evaluate("document.querySelectorAll('.hops .failed').length"), 0);

    // Nobody asks again: the page does, as long as it shows the way.
    await host.ok('iptables', '-I', 'DOCKER-USER', '-p', 'tcp', '--dport', '80', '-j', 'DROP');
    await page.until("document.querySelector('.verdict.no')");
    assert.ok((await classes('wall')).includes('failing'));
    assert.ok((await classes(web)).includes('missed'));
    assert.match(await page.text('.hops .failed'), /DOCKER-USER/);
    assert.match(await page.text('#panel code.command'), /iptables .*-D DOCKER-USER/);
    await host.ok('iptables', '-D', 'DOCKER-USER', '-p', 'tcp', '--dport', '80', '-j', 'DROP');
    await page.click('#clear-path');
    assert.ok(!(await classes('wall')).includes('path'));
    assert.deepEqual(page.complaints.filter(ours), []);
  });

  it('is used by keyboard alone', async () => {
    const { cli } = stage;
    await cli('run', '-d', '--name', 'web', 'web');
    await cli('network', 'create', 'shop');
    await cli('run', '-d', '--name', 'both', 'busybox', 'sleep', '600');
    await cli('network', 'connect', 'shop', 'both');
    await open();
    await listed('shop');
    // In each group with its address on that network.
    const both =
      "[...document.querySelectorAll('[role=option]')].filter((one) => one.innerText.startsWith('both'))";
    await page.until(
      `${both}.map((one) => one.querySelector('.aside').innerText).join() === '172.17.0.3,172.18.0.2'`,
    );
    const focused = () => page.evaluate<string>('document.activeElement.id');
    await page.evaluate('document.activeElement.blur()');
    const order: string[] = [];
    for (let press = 0; press < 12; press++) {
      await page.press('Tab');
      order.push(await focused());
    }
    assert.deepEqual(order, [
      ...['skip', 'pause', 'language', 'theme', 'search', 'list', 'graph'],
      ...['zoom-in', 'zoom-out', 'zoom-fit', 'tab-details', 'panel'],
    ]);
    await page.evaluate("document.getElementById('skip').focus()");
    await page.press('Enter');
    await page.until("document.activeElement.id === 'panel'");
    await page.press('/');
    assert.equal(await focused(), 'search');
    await page.type('172.17.0.2');
    assert.deepEqual(await names(), ['web']);
    await page.press('ArrowDown');
    assert.equal(await focused(), 'list');
    assert.match(await page.text('#panel h2'), /web/);

    await page.evaluate(
      "const field = document.getElementById('search'); field.value = ''; field.dispatchEvent(new Event('input'))",
    );
    const reached: string[] = [];
    await page.press('Home');
    for (let step = 0; step < 9; step++) {
      reached.push((await page.text('#panel h2')).trim());
      await page.press('ArrowDown');
    }
    // One on two networks stands in the list twice, and is passed twice.
    assert.deepEqual(reached.slice(4), ['bridge', 'both', 'web', 'shop', 'both']);

    await page.evaluate("document.getElementById('graph').focus()");
    await page.press('Escape');
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight'])
      await page.press(key);
    assert.match(await page.text('#panel h2'), /web/, 'world, interface, firewall, network, container');
    assert.equal(await page.text('#said'), 'web');
    await page.press('Enter');
    assert.equal(await focused(), 'panel');
    const ring = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
    assert.equal(ring, 'solid', 'the focus is seen');
  });

  it('speaks Korean, and is dark where the system is', async () => {
    const { cli } = stage;
    await cli('run', '-d', '--name', 'web', 'web');
    await page.send('Emulation.setUserAgentOverride', { userAgent: 'test', acceptLanguage: 'ko-KR,ko' });
    const features = (value: string) => ({ features: [{ name: 'prefers-color-scheme', value }] });
    await page.send('Emulation.setEmulatedMedia', features('dark'));
    await open();
    assert.equal(await page.text('#tab-ports'), '포트');
    assert.equal(await page.evaluate('document.documentElement.lang'), 'ko');
    const ground = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const dark = await ground();
    await page.send('Emulation.setEmulatedMedia', features('light'));
    await page.until('document.documentElement.dataset.theme === "light"');
    assert.notEqual(await ground(), dark);
    await page.evaluate(
      "const select = document.getElementById('language'); select.value = 'en'; select.dispatchEvent(new Event('change'))",
    );
    assert.equal(await page.text('#tab-ports'), 'Ports');
    await page.evaluate('localStorage.clear()');
    await page.send('Emulation.setUserAgentOverride', { userAgent: '', acceptLanguage: 'en' });
    assert.deepEqual(page.complaints.filter(ours), []);
  });

  it('says what to do without the token, or with one of an earlier daemon', async () => {
    await page.evaluate('sessionStorage.clear()');
    await page.go(`http://${ADDRESS}/bridgeport/ui`);
    await page.until("document.getElementById('problem').innerText.includes('bridgeport ui')");
    // As a person would who pastes the new address into the same tab.
    await page.evaluate("location.hash = '#token=of-yesterday'");
    await page.until("document.getElementById('problem').innerText.includes('started again')");
  });

  it('is served from here for an engine that has none, by what its API and the kernel tell', async () => {
    const { cli, daemon, host } = stage;
    await cli('network', 'create', 'shop');
    await cli('run', '-d', '--name', 'web', '--network', 'shop', '-p', '8080:80', 'web');
    await host.getSoon('http://127.0.0.1:8080/');
    // Any engine that speaks Docker's API will do; ours can be asked what the answer has to be.
    const [program = '', ...enter] = host.enter;
    const node = process.execPath;
    const observer = spawn(program, [
      ...enter,
      node,
      '--disable-warning=ExperimentalWarning',
      OBSERVER,
      daemon.socket,
    ]);
    const ended = new Promise((resolve) => observer.once('exit', resolve));
    const { url } = JSON.parse(
      await new Promise<string>((resolve) => observer.stdout.once('data', (chunk) => resolve(String(chunk)))),
    ) as { url: string };
    const { origin, hash } = new URL(url);
    const read = async (path: string) =>
      JSON.parse(
        await host.ok(
          'curl',
          '-sS',
          '-H',
          `Authorization: Bearer ${hash.slice('#token='.length)}`,
          origin + path,
        ),
      );
    const wires = ({ networks, endpoints }: NetworkMap) => [
      networks.map(({ name, bridge }) => [name, bridge]),
      endpoints.map(({ container, hostVeth, inside, addresses }) => [
        container.name,
        hostVeth,
        inside,
        addresses,
      ]),
    ];
    const map = JSON.parse(await daemon.bridgeport('map', '--json')) as NetworkMap;
    assert.deepEqual(wires(await read('/bridgeport/map')), wires(map));
    const why = (await read('/bridgeport/why?from=world&to=web&service=tcp/80')) as WhyReport;
    assert.equal(why.answer, 'yes');
    const links = (await read('/bridgeport/traffic')) as Traffic;
    assert.ok(links.links.some(({ name }) => name === map.endpoints[0]?.hostVeth?.name));
    observer.stdin.end();
    assert.equal(await ended, 0);
  });

  it('is there as long as `bridgeport ui` runs, at a free port of loopback, when no address is configured', async () => {
    const { daemon, host } = stage;
    daemon.args = [];
    await daemon.restart();
    const listeners = async () =>
      (await host.ok('ss', '-Htlnp')).split('\n').filter((line) => line.includes(`pid=${daemon.pid},`));
    const before = await listeners();
    const [program = ''] = daemon.bridgeport.command;
    const command = spawn(program, ['ui', '--no-open'], { env: daemon.bridgeport.env });
    const ended = new Promise((resolve) => command.once('exit', resolve));
    const url = await new Promise<string>((resolve) => {
      command.stdout.once('data', (chunk: Buffer) => resolve(String(chunk).trim()));
    });
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/bridgeport\/ui#token=[\w-]{43}$/);
    assert.equal((await listeners()).length, before.length + 1);
    assert.match(await host.get(url), /<title>Bridgeport<\/title>/);
    command.kill('SIGKILL');
    await ended;
    await soon(async () => assert.deepEqual(await listeners(), before));
  });
});
