// The road in the real window: the desktop program under a virtual display, driven by WebKitWebDriver.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { closeWindow, keysTo, windowsNamed } from "./lib/close_window.mjs";
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

/** The desktop program on its own display and a new library; all of it gone after the test. */
async function opened(t, name) {
  mkdirSync(output, { recursive: true });
  const temporary = temporaryFolder(name);
  const library = join(temporary.folder, "library");
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
  const shot = (what) => driver.screenshot(join(output, `${name}-${what}.png`));
  t.after(async () => {
    await shot("last").catch(() => {});
    await window.close();
    screen.stop();
    temporary.remove();
  });
  return { driver, shot, library, folder: temporary.folder, display: screen.display };
}

test("a new user walks the whole road in the window", async (t) => {
  const { driver, shot, library, folder, display } = await opened(t, "window");
  const images = join(folder, "cells");
  const found = sampleFolder(images, 12);

  await t.test("create a project", () => road.createProject(driver, "Cells"));
  await t.test("drop a folder and import it", () => road.importImages(driver, () => dropOnWindow(driver, [images]), found));
  await t.test("a terminal works through the window, and the window shows it", async () => {
    const dataset = visaion(library, "dataset", "list").items[0];
    assert.equal(dataset.sample_count, found.count);
    const more = sampleFolder(join(folder, "more"), 15);
    visaion(library, "dataset", "import", join(folder, "more"), "--dataset", dataset.name);
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
    const file = join(folder, "cells.onnx");
    await road.exportModel(driver, () => answerSaveDialog(display, file));
    assert.ok(existsSync(file), "the exported file");
  });
  await shot("models");
  await t.test("predict dropped files", () => {
    const file = join(images, found.classes[0], found.files[found.classes[0]][0]);
    return road.predict(driver, () => dropOnWindow(driver, [file]), 1);
  });
  await shot("predict");
});

test("closing while a job runs asks first, and what was stopped goes on", async (t) => {
  const { driver, library, folder, display } = await opened(t, "closing");
  await driver.see('[data-testid="app"]');
  const images = join(folder, "cells");
  sampleFolder(images, 12);
  visaion(library, "dataset", "import", images, "--dataset", "cells");
  const dataset_id = visaion(library, "dataset", "list").items[0].id;
  const call = (name, request) =>
    driver.run('return window.__TAURI_INTERNALS__.invoke("call", { name: arguments[0], request: arguments[1] });', name, request);
  const settings = { arch: "resnet18", epochs: 400, image_size_px: 32, batch_size: 8 };
  await call("dataset_split", { id: dataset_id, train: 0.6, val: 0.2, test: 0.2, seed: 1 });
  const { id } = await call("job_create", { kind: "train", dataset_id, settings });
  const job = () => call("job_get", { id });
  await driver.until(async () => (await job()).progress.done > 0, "the training to run", 60_000);

  const [main] = await windowsNamed(display, "VisAIon");
  const ask = async () => {
    await closeWindow(display, main);
    let dialog;
    await driver.until(async () => (dialog = (await windowsNamed(display, "VisAIon")).find((w) => w !== main)), "the question");
    return dialog;
  };
  await keysTo(display, await ask(), "Escape");
  await driver.until(async () => (await windowsNamed(display, "VisAIon")).length === 1, "the window alone again");
  assert.equal((await job()).state, "running", "Escape closes nothing");

  // The first button keeps running, the next one stops.
  await keysTo(display, await ask(), "Tab", "Return");
  const status = () => visaion(library, "job", "list").items.find((one) => one.id === id);
  await driver.until(async () => (await windowsNamed(display, "VisAIon")).length === 0, "the window to be gone", 60_000);
  const stopped = status();
  assert.ok(["queued", "running"].includes(stopped.state), `it goes on by itself: ${stopped.state}`);
  assert.ok(stopped.progress.done > 0, "from where it was");
});
