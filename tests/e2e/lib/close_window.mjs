// Closing a window as its close button does. There is no window manager under the virtual display, so the message that one
// would send (WM_DELETE_WINDOW) is sent in the X11 protocol itself.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createConnection } from "node:net";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The visible windows of this title, oldest first. */
export async function windowsNamed(display, title) {
  const environment = { env: { ...process.env, DISPLAY: display }, timeout: 10_000 };
  const found = await run("xdotool", ["search", "--onlyvisible", "--name", `^${title}$`], environment).catch(() => ({ stdout: "" }));
  return found.stdout.trim().split("\n").filter(Boolean).map(Number);
}

/** Presses keys in a window. */
export async function keysTo(display, window, ...keys) {
  const environment = { env: { ...process.env, DISPLAY: display }, timeout: 30_000 };
  await run("xdotool", ["windowfocus", "--sync", String(window), "key", "--delay", "100", ...keys], environment);
}

/** Asks a window to close. */
export async function closeWindow(display, window) {
  const socket = createConnection(`/tmp/.X11-unix/X${display.slice(1)}`);
  await once(socket, "connect");
  const setup = Buffer.alloc(12);
  setup.write("l", 0);
  setup.writeUInt16LE(11, 2);
  socket.write(setup);
  const accepted = await read(socket, 8);
  await read(socket, accepted.readUInt16LE(6) * 4);
  const protocols = await atom(socket, "WM_PROTOCOLS");
  const remove = await atom(socket, "WM_DELETE_WINDOW");
  socket.write(clientMessage(window, protocols, remove));
  // An answered question after it: the message has been taken.
  await atom(socket, "WM_PROTOCOLS");
  socket.destroy();
}

async function read(socket, size) {
  for (;;) {
    const bytes = size === 0 ? Buffer.alloc(0) : socket.read(size);
    if (bytes) return bytes;
    await once(socket, "readable");
  }
}

async function atom(socket, name) {
  const request = Buffer.alloc(8 + Math.ceil(name.length / 4) * 4);
  request.writeUInt8(16, 0);
  request.writeUInt16LE(request.length / 4, 2);
  request.writeUInt16LE(name.length, 4);
  request.write(name, 8);
  socket.write(request);
  return (await read(socket, 32)).readUInt32LE(8);
}

function clientMessage(window, type, value) {
  const request = Buffer.alloc(44);
  request.writeUInt8(25, 0);
  request.writeUInt16LE(11, 2);
  request.writeUInt32LE(window, 4);
  request.writeUInt8(33, 12);
  request.writeUInt8(32, 13);
  request.writeUInt32LE(window, 16);
  request.writeUInt32LE(type, 20);
  request.writeUInt32LE(value, 24);
  return request;
}
