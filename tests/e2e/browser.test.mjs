// The road in a browser on this machine: Chromium against the real service.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { sampleFolder } from "./lib/images.mjs";
import { dropOnPage, openBrowser } from "./lib/playwright_driver.mjs";
import * as road from "./lib/road.mjs";
import { startService, temporaryFolder, visaion } from "./lib/service.mjs";

const output = new URL("./output/", import.meta.url).pathname;

test("a new user walks the whole road in the browser", async (t) => {
  mkdirSync(output, { recursive: true });
  const temporary = temporaryFolder("browser");
  const library = join(temporary.folder, "library");
  const images = join(temporary.folder, "cells");
  const found = sampleFolder(images, 12);
  const service = await startService(library);
  const browser = await openBrowser(service.address);
  const { driver, page } = browser;
  const shot = (name) => driver.screenshot(join(output, `browser-${name}.png`));
  t.after(async () => {
    await shot("last");
    await browser.close();
    await service.stop();
    temporary.remove();
  });

  await t.test("a new sign-in address in the page that is open", async () => {
    await page.goto(visaion(library, "status").sign_in_url);
    await driver.see('[data-testid="projects-empty"]');
  });
  await t.test("create a project", () => road.createProject(driver, "Cells"));
  await t.test("drop a folder and import it", () => road.importImages(driver, () => dropOnPage(page, [images]), found));
  await t.test("a terminal works through the same service", async () => {
    const page = visaion(library, "dataset", "list");
    assert.equal(page.items[0].sample_count, found.count);
  });
  await t.test("label by key, undo, redo", () => road.labelAndUndo(driver));
  await shot("data");
  await t.test("train, with the graphs moving", () => road.train(driver, { image_size_px: 32, epochs: 4, batch_size: 8 }));
  await shot("train");
  await t.test("evaluate, and open the images behind a cell", () => road.evaluate(driver));
  await shot("evaluate");
  await t.test("export with a certificate", () => road.exportModel(driver));
  await shot("models");
  await t.test("predict dropped files", () => {
    const file = join(images, found.classes[0], found.files[found.classes[0]][0]);
    return road.predict(driver, () => dropOnPage(page, [file]), 1);
  });
  await shot("predict");
  assert.deepEqual(browser.problems, [], "errors in the page");
});
