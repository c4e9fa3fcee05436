// The walk's hands in a browser: Debian's Chromium through Playwright.
import { chromium } from "playwright-core";

import { waitUntil } from "./wait.mjs";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];

export async function openBrowser(address, options = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.VISAION_CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS,
  });
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    locale: options.locale ?? "en-US",
    colorScheme: options.colorScheme ?? "dark",
    acceptDownloads: true,
  });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  page.setDefaultTimeout(30_000);
  await page.goto(address);
  return { driver: playwrightDriver(page), page, problems, close: () => browser.close() };
}

function playwrightDriver(page) {
  const find = (selector) => page.locator(selector);
  return {
    click: (selector, options) => find(selector).first().click(options),
    clickNth: (selector, index) => find(selector).nth(index).click(),
    fill: (selector, text) => find(selector).first().fill(text),
    press: (chord) => page.keyboard.press(chord),
    see: (selector, timeout = 30_000) => find(selector).first().waitFor({ state: "visible", timeout }),
    until: (check, what, timeout) => waitUntil(check, timeout ?? 30_000, what),
    count: (selector) => find(selector).count(),
    enabled: async (selector) => (await find(selector).count()) > 0 && find(selector).first().isEnabled(),
    text: async (selector) => (await find(selector).first().innerText()).trim(),
    texts: (selector) => find(selector).allInnerTexts(),
    attribute: (selector, name) => find(selector).first().getAttribute(name),
    screenshot: (path) => page.screenshot({ path }),
  };
}

/** How long a hand holds still before it lets go. */
const HELD_MS = 200;

/**
 * Drops files or folders of the disk on the page, as a file manager does: the page first shows that it takes them.
 * Chromium ignores a drop that comes before the page's answer to the drag over it, which a hand is never quick
 * enough for; so a drop that left the page waiting is made again.
 */
export async function dropOnPage(page, paths) {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  const drag = (type) => session.send("Input.dispatchDragEvent", { type, x: 720, y: 450, data });
  const target = page.locator('[data-testid="drop-target"]');
  let tried = false;
  await waitUntil(
    async () => {
      if (tried) await drag("dragCancel");
      tried = true;
      await drag("dragEnter");
      await drag("dragOver");
      await target.waitFor({ state: "visible", timeout: 5_000 });
      await drag("dragOver");
      await page.waitForTimeout(HELD_MS);
      await drag("dragOver");
      await drag("drop");
      await target.waitFor({ state: "hidden", timeout: 3_000 });
      return true;
    },
    60_000,
    "the page to take the drop",
  );
  await session.detach();
}
