// The road in the real window: the desktop program under a virtual display, driven by WebKitWebDriver.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { sampleFolder } from "./lib/images.mjs";
import * as road from "./lib/road.mjs";
import { answerSaveDialog } from "./lib/save_dialog.mjs";
import { required, temporaryFolder, visaion } from "./lib/service.mjs";
import { waitUntil } from "./lib/wait.mjs";
import { dropOnWindow, openWindow } from "./lib/webdriver_driver.mjs";

const output = new URL("./output/", import.meta.url).pathname;

/** A display of its own, so that the test neither needs nor disturbs one. */
async function virtualDisplay() {
  const child = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1440x900x24", "-nolisten", "tcp"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  let number = "";
  child.stdio[3].on("data", (data) => (number += data));
  await waitUntil(() => number.endsWith("\n"), 20_000, "Xvfb");
  return { display: `:${number.trim()}`, stop: () => child.kill("SIGTERM") };
}

test("a new user walks the whole road in the window", async (t) => {
  mkdirSync(output, { recursive: true });
  const temporary = temporaryFolder("window");
  const library = join(temporary.folder, "library");
  const images = join(temporary.folder, "cells");
  const found = sampleFolder(images, 12);
  const screen = await virtualDisplay();
  const window = await openWindow(required("VISAION_DESKTOP_BIN"), ["--library", library], {
    DISPLAY: screen.display,
    WAYLAND_DISPLAY: "",
    WEBKIT_DISABLE_COMPOSITING_MODE: "1",
    // The shell lets itself be driven only when it is asked to.
    TAURI_AUTOMATION: "true",
    TAURI_WEBVIEW_AUTOMATION: "true",
    LANG: "en_US.UTF-8",
  });
  const { driver } = window;
  const shot = (name) => driver.screenshot(join(output, `window-${name}.png`));
  t.after(async () => {
    await shot("last").catch(() => {});
    await window.close();
    screen.stop();
    temporary.remove();
  });

  await t.test("create a project", () => road.createProject(driver, "Cells"));
  await t.test("drop a folder and import it", () => road.importImages(driver, () => dropOnWindow(driver, [images]), found));
  await t.test("a terminal works through the window, and the window shows it", async () => {
    const dataset = visaion(library, "dataset", "list").items[0];
    assert.equal(dataset.sample_count, found.count);
    const more = sampleFolder(join(temporary.folder, "more"), 15);
    visaion(library, "dataset", "import", join(temporary.folder, "more"), "--dataset", dataset.name);
    const text = () => driver.text('[data-testid="sample-count"]');
    await driver.until(async () => (await text()).startsWith(String(more.count)), "the new samples in the window");
    assert.ok(Array.isArray(visaion(library, "job", "list").items));
  });
  await shot("data");
  await t.test("label by key, undo, redo", () => road.labelAndUndo(driver));
  await t.test("train, with the graphs moving", () => road.train(driver, { image_size_px: 32, epochs: 4, batch_size: 8 }));
  await shot("train");
  await t.test("evaluate, and open the images behind a cell", () => road.evaluate(driver));
  await shot("evaluate");
  await t.test("export with a certificate to a file of one's choice", async () => {
    const file = join(temporary.folder, "cells.onnx");
    await road.exportModel(driver, () => answerSaveDialog(screen.display, file));
    assert.ok(existsSync(file), "the exported file");
  });
  await shot("models");
  await t.test("predict dropped files", () => {
    const file = join(images, found.classes[0], found.files[found.classes[0]][0]);
    return road.predict(driver, () => dropOnWindow(driver, [file]), 1);
  });
  await shot("predict");
});
