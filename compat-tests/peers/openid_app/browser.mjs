// Chromium for the tests, driven by playwright-core: a command on each line in, its answer on each line out.
//
// The one argument is Chromium's path. A command is a JSON object: `do`, what it does; `context` or `page`, to what; the rest are
// its arguments. An answer is `{"done": value}` or `{"error": text}`. The process ends with its input.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const STEP = 10_000;
const browser = await chromium.launch({
  executablePath: process.argv[2],
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--no-proxy-server', '--disable-background-networking'],
});
const contexts = new Map();
const pages = new Map();
let last = 0;

// What a page did: addresses it asked for, its console, what its policy stopped.
function watched(page) {
  const id = `p${++last}`;
  const seen = { page, requests: [], console: [], statuses: {} };
  page.setDefaultTimeout(STEP);
  page.on('request', (request) => seen.requests.push({ method: request.method(), url: request.url() }));
  page.on('response', (response) => { seen.statuses[response.url()] = response.status(); });
  page.on('console', (message) => seen.console.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => seen.console.push(`error: ${error}`));
  pages.set(id, seen);
  return id;
}

// What the element that has the focus is called by who cannot see it.
const FOCUS = `(() => {
  const it = document.activeElement;
  if (!it || it === document.body) return null;
  const label = it.labels?.[0]?.innerText || it.getAttribute('aria-label') || it.innerText || it.value || '';
  const style = getComputedStyle(it);
  const box = it.getBoundingClientRect();
  return { tag: it.tagName.toLowerCase(), name: it.getAttribute('name'), type: it.getAttribute('type'), label: label.trim(),
           outline: style.outlineStyle !== 'none' || style.boxShadow !== 'none', height: box.height, width: box.width };
})()`;

// Presses what leads to another page, and waits for that; an address that nobody answers at is none, and as good as any.
async function leading(page, element) {
  await Promise.all([page.waitForNavigation({ timeout: STEP, waitUntil: 'domcontentloaded' }).catch(() => undefined), element.click()]);
}

const commands = {
  context: async ({ width = 1280, height = 800, dark = false, scripts = true, accept, ...more }) => {
    const context = await browser.newContext({
      viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', javaScriptEnabled: scripts, locale: 'en-US', ...more,
    });
    const id = `c${++last}`;
    contexts.set(id, context);
    return id;
  },
  page: async ({ context }) => watched(await contexts.get(context).newPage()),
  leave: async ({ context }) => {
    await contexts.get(context).close();
    contexts.delete(context);
  },
  cookies: async ({ context }) => contexts.get(context).cookies(),
  goto: async ({ page, url }) => (await page.goto(url))?.status() ?? null,
  back: async ({ page }) => { await page.goBack(); },
  reload: async ({ page }) => (await page.reload())?.status() ?? null,
  url: async ({ page }) => page.url(),
  title: async ({ page }) => page.title(),
  text: async ({ page }) => page.locator('body').innerText(),
  html: async ({ page }) => page.content(),
  fill: async ({ page, css, value }) => { await page.locator(css).fill(value); },
  click: async ({ page, css }) => leading(page, page.locator(css).first()),
  // By what it is and what it is called, as somebody finds it who hears the page.
  press_on: async ({ page, role, name }) => leading(page, page.getByRole(role, { name: new RegExp(name, 'i') }).first()),
  has: async ({ page, role, name }) => page.getByRole(role, { name: new RegExp(name, 'i') }).count(),
  key: async ({ page, keys }) => { for (const key of keys) await page.keyboard.press(key); },
  type: async ({ page, value }) => { await page.keyboard.type(value); },
  focus: async ({ page }) => page.evaluate(FOCUS),
  count: async ({ page, css }) => page.locator(css).count(),
  run: async ({ page, script }) => page.evaluate(script),
  wait: async ({ page, begins }) => {
    await page.waitForURL((url) => begins.some((text) => url.href.startsWith(text)), { timeout: STEP });
    return page.url();
  },
  wait_text: async ({ page, value }) => { await page.getByText(value).first().waitFor({ timeout: STEP }); },
  screen: async ({ page, path }) => { await page.screenshot({ path, fullPage: true }); },
  // What would go there stays where it is.
  hold: async ({ page, url }) => { await page.route(url, (route) => route.abort('aborted')); },
  look: async ({ page, width, height, dark }) => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
  },
  // Violations of WCAG A and AA that axe finds, shortly.
  axe: async ({ page, tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }) => {
    // The page's policy forbids scripts from elsewhere; the protocol's own evaluation does not ask it.
    if (!(await page.evaluate('typeof axe !== "undefined"'))) await page.evaluate((await import('node:fs')).readFileSync(AXE, 'utf8'));
    const found = await page.evaluate((values) => globalThis.axe.run(document, { runOnly: { type: 'tag', values } }), tags);
    return found.violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.map((n) => `${n.target.join(' ')} ${n.failureSummary}`).join('; ')}`);
  },
  seen: async ({ page, seen }) => {
    const { requests, console, statuses } = seen;
    [seen.requests, seen.console] = [[], []];
    return { requests, console, status: statuses[page.url().split('#')[0]] ?? null };
  },
};

const late = (name) => new Promise((_, fail) => { setTimeout(() => fail(new Error(`${name}: no answer`)), 3 * STEP).unref(); });
const say = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
say({ done: browser.version() });
for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, page: id, ...rest } = JSON.parse(line);
  const seen = pages.get(id);
  try {
    const answer = commands[name]({ ...rest, ...(seen && { page: seen.page, seen }) });
    say({ done: (await Promise.race([answer, late(name)])) ?? null });
  } catch (error) {
    say({ error: String(error.stack) });
  }
}
await browser.close();
process.exit(0);
