// The system's own save dialog is outside the page: it is answered by keyboard, as a person does.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Waits for the dialog on this display, types the whole path over the suggested name and accepts. */
export async function answerSaveDialog(display, path) {
  const environment = { env: { ...process.env, DISPLAY: display }, timeout: 30_000 };
  const { stdout } = await run("xdotool", ["search", "--sync", "--onlyvisible", "--name", "^Save"], environment);
  const dialog = stdout.trim().split("\n").at(-1);
  await run("xdotool", ["windowfocus", "--sync", dialog, "key", "ctrl+a", "type", "--delay", "20", path], environment);
  await run("xdotool", ["key", "Return"], environment);
}
