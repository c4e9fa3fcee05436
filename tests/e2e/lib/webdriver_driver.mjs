// The walk's hands in the real window: WebKitWebDriver starts the desktop program and is spoken to in plain W3C WebDriver.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";

const KEYS = { Enter: "\uE007", Escape: "\uE00C", Control: "\uE009", Delete: "\uE017", Shift: "\uE008", ArrowRight: "\uE014", ArrowLeft: "\uE012" };
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

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

async function waitUntil(check, timeout, what) {
  const end = Date.now() + timeout;
  let last;
  while (Date.now() < end) {
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    await sleep(100);
  }
  throw new Error(`waited ${timeout} ms for ${what}${last ? `: ${last.message}` : ""}`);
}

function webdriverDriver(at) {
  const run = (script, ...args) => request(`${at}/execute/sync`, "POST", { script, args });
  const VISIBLE = "const e = [...document.querySelectorAll(arguments[0])].find((e) => e.getClientRects().length); return e ?? null;";
  const find = (selector, timeout = 30_000) => waitUntil(() => run(VISIBLE, selector), timeout, selector);
  const id = (element) => element[ELEMENT];
  return {
    click: async (selector, options = {}) => {
      await waitUntil(() => run(`${VISIBLE.replace("return e ?? null;", "return !!e && !e.disabled;")}`, selector), 30_000, selector);
      const element = await find(selector);
      if (options.modifiers) return pointerClick(at, element, options.modifiers);
      await request(`${at}/element/${id(element)}/click`, "POST");
    },
    fill: async (selector, text) => {
      const element = await find(selector);
      await request(`${at}/element/${id(element)}/clear`, "POST");
      await request(`${at}/element/${id(element)}/value`, "POST", { text });
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
    gone: (selector, timeout = 30_000) => waitUntil(async () => !(await run(VISIBLE, selector)), timeout, `no ${selector}`),
    count: (selector) => run("return document.querySelectorAll(arguments[0]).length;", selector),
    text: async (selector) => {
      const element = await find(selector);
      return (await request(`${at}/element/${id(element)}/text`, "GET")).trim();
    },
    screenshot: async (path) => writeFileSync(path, Buffer.from(await request(`${at}/screenshot`, "GET"), "base64")),
  };
}

async function pointerClick(at, element, modifiers) {
  const key = (type) => modifiers.map((name) => ({ type, value: KEYS[name] }));
  const pause = modifiers.map(() => ({ type: "pause" }));
  await request(`${at}/actions`, "POST", {
    actions: [
      { type: "key", id: "keyboard", actions: [...key("keyDown"), { type: "pause" }, { type: "pause" }, { type: "pause" }, ...key("keyUp")] },
      {
        type: "pointer",
        id: "mouse",
        actions: [...pause, { type: "pointerMove", origin: element, x: 0, y: 0 }, { type: "pointerDown", button: 0 }, { type: "pointerUp", button: 0 }, ...pause],
      },
    ],
  });
}
