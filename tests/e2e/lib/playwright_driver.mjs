// The walk's hands in a browser: Debian's Chromium through Playwright.
import { chromium } from "playwright-core";

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
    fill: (selector, text) => find(selector).first().fill(text),
    press: (key) => page.keyboard.press(key),
    see: (selector, timeout = 30_000) => find(selector).first().waitFor({ state: "visible", timeout }),
    gone: (selector, timeout = 30_000) => find(selector).first().waitFor({ state: "hidden", timeout }),
    count: (selector) => find(selector).count(),
    text: async (selector) => (await find(selector).first().innerText()).trim(),
    screenshot: (path) => page.screenshot({ path }),
  };
}
