// Pictures of every screen in both themes and both languages, from a library that the quick start made.
//
//   VISAION_BIN=… node screenshots.mjs LIBRARY OUTPUT
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { openBrowser } from "./lib/playwright_driver.mjs";
import { startService, visaion } from "./lib/service.mjs";

const [library, output] = process.argv.slice(2);
if (!library || !output) throw new Error("usage: node screenshots.mjs LIBRARY OUTPUT");
mkdirSync(output, { recursive: true });

const dataset = visaion(library, "dataset", "list").items[0];
const run = visaion(library, "job", "list").items.find((job) => job.kind === "train");
const at = (id) => `[data-testid="${id}"]`;

/** Screen → address, what must be seen, and what is done then before the picture is taken. */
const SCREENS = {
  projects: ["#/projects", at("project-card")],
  data: [`#/data/${dataset.id}`, at("sample-cell")],
  viewer: [`#/data/${dataset.id}`, at("sample-cell"), openFirst],
  train: [`#/train/${run.id}`, `${at("chart-loss")} canvas`],
  new_run: ["#/train", at("train-new"), openForm],
  evaluate: ["#/evaluate", at("confusion")],
  models: ["#/models", at("model-version-page")],
  predict: ["#/predict", at("predict-screen")],
  settings: ["#/settings", at("theme")],
};

async function openFirst(driver, page) {
  await page.locator(at("sample-cell")).first().dblclick();
  await driver.see(at("class-button"));
}

async function openForm(driver) {
  await driver.click(at("train-new"));
  await driver.see(at("train-forecast-verdict"));
  await driver.click(at("train-more"));
}

const service = await startService(library);
try {
  for (const [language, locale] of [["en", "en-US"], ["zh-CN", "zh-CN"]]) {
    for (const colorScheme of ["dark", "light"]) {
      const address = visaion(library, "status").sign_in_url;
      const browser = await openBrowser(address, { locale, colorScheme });
      await browser.driver.see(at("app"));
      for (const [name, [hash, wanted, prepare]] of Object.entries(SCREENS)) {
        await browser.page.goto(new URL(hash, browser.page.url()).href);
        await browser.driver.see(wanted);
        await prepare?.(browser.driver, browser.page);
        await browser.page.waitForTimeout(800);
        await browser.driver.screenshot(join(output, `${name}-${colorScheme}${language === "en" ? "" : `-${language}`}.png`));
      }
      await browser.close();
    }
  }
} finally {
  await service.stop();
}
