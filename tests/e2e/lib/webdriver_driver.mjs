// The walk's hands in the real window: WebKitWebDriver starts the desktop program and is spoken to in plain W3C WebDriver.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";

import { waitUntil } from "./wait.mjs";

const KEYS = { Enter: "\uE007", Escape: "\uE00C", Control: "\uE009", Delete: "\uE017", Shift: "\uE008", ArrowRight: "\uE014", ArrowLeft: "\uE012" };
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

async function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Opens the window; `environment` goes to the driver and from it to the program. */
export async function openWindow(program, args, environment) {
  const port = await freePort();
  const child = spawn("WebKitWebDriver", [`--port=${port}`], { env: { ...process.env, ...environment }, stdio: "ignore" });
  const base = `http://127.0.0.1:${port}`;
  await waitUntil(async () => (await fetch(`${base}/status`)).ok, 20_000, "WebKitWebDriver");
  const session = await request(`${base}/session`, "POST", {
    capabilities: { alwaysMatch: { "webkitgtk:browserOptions": { binary: program, args } } },
  });
  const at = `${base}/session/${session.sessionId}`;
  return {
    driver: webdriverDriver(at),
    close: async () => {
      await request(at, "DELETE").catch(() => {});
      child.kill("SIGTERM");
    },
  };
}

async function request(url, method, body) {
  const answer = await fetch(url, { method, body: method === "POST" ? JSON.stringify(body ?? {}) : undefined });
  const { value } = await answer.json();
  if (!answer.ok) throw new Error(`${value.error}: ${value.message}`);
  return value;
}

const ALL = "const all = [...document.querySelectorAll(arguments[0])];";
const SHOWN = `${ALL} const e = all.find((e) => e.getClientRects().length) ?? null;`;

function webdriverDriver(at) {
  const run = (script, ...args) => request(`${at}/execute/sync`, "POST", { script, args });
  const find = (selector, timeout = 30_000) => waitUntil(() => run(`${SHOWN} return e;`, selector), timeout, selector);
  const ready = (selector) => waitUntil(() => run(`${SHOWN} return e && !e.disabled ? e : null;`, selector), 30_000, selector);
  const press = async (element) => {
    await run("arguments[0].scrollIntoView({ block: 'nearest' });", element);
    await request(`${at}/element/${element[ELEMENT]}/click`, "POST");
  };
  return {
    run,
    click: async (selector) => press(await ready(selector)),
    clickNth: async (selector, index) => press(await run(`${ALL} return all[arguments[1]];`, selector, index)),
    fill: async (selector, text) => {
      const { [ELEMENT]: id } = await ready(selector);
      await request(`${at}/element/${id}/clear`, "POST");
      await request(`${at}/element/${id}/value`, "POST", { text });
    },
    press: async (chord) => {
      const keys = chord.split("+").map((key) => KEYS[key] ?? key);
      const actions = [
        ...keys.map((value) => ({ type: "keyDown", value })),
        ...keys.toReversed().map((value) => ({ type: "keyUp", value })),
      ];
      await request(`${at}/actions`, "POST", { actions: [{ type: "key", id: "keyboard", actions }] });
    },
    see: find,
    until: (check, what, timeout) => waitUntil(check, timeout ?? 30_000, what),
    count: (selector) => run(`${ALL} return all.length;`, selector),
    enabled: (selector) => run(`${SHOWN} return !!e && !e.disabled;`, selector),
    text: async (selector) => run("return arguments[0].innerText.trim();", await find(selector)),
    texts: (selector) => run(`${ALL} return all.map((e) => e.innerText);`, selector),
    attribute: async (selector, name) => run("return arguments[0].getAttribute(arguments[1]);", await find(selector), name),
    screenshot: async (path) => writeFileSync(path, Buffer.from(await request(`${at}/screenshot`, "GET"), "base64")),
  };
}

/** Drops paths on the window as the shell reports a drop of the desktop: Tauri's own event to the page. */
export function dropOnWindow(driver, paths) {
  const script = `return window.__TAURI_INTERNALS__.invoke("plugin:event|emit_to", {
    target: { kind: "Webview", label: "main" }, event: "tauri://drag-drop",
    payload: { paths: arguments[0], position: { x: 700, y: 400 } } });`;
  return driver.run(script, paths);
}
