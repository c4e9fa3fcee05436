// The real service on a fresh library, for one test.
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const binary = required("VISAION_BIN");

export function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these tests through \`cargo xtask test\``);
  return value;
}

export function temporaryFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `visaion-${name}-`));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs `visaion` to its end and gives what it printed as JSON. */
export function visaion(library, ...args) {
  const output = execFileSync(binary, ["--library", library, "--json", ...args], { encoding: "utf8", timeout: 300_000 });
  return output.trim() ? JSON.parse(output) : null;
}

/** Starts the service; gives its address with the one-time code, and `stop`. */
export async function startService(library) {
  const child = spawn(binary, ["--library", library, "start", "--foreground", "--no-browser", "--port", "0"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines = [];
  const address = await new Promise((resolve, reject) => {
    const look = (line) => {
      lines.push(line);
      const found = /(http:\/\/127\.0\.0\.1:\d+\/\S*)/.exec(line);
      if (found) resolve(found[1]);
    };
    createInterface({ input: child.stdout }).on("line", look);
    createInterface({ input: child.stderr }).on("line", look);
    child.once("exit", (code) => reject(new Error(`the service ended with ${code}:\n${lines.join("\n")}`)));
    setTimeout(() => reject(new Error(`no address in 60 s:\n${lines.join("\n")}`)), 60_000).unref();
  });
  const stop = () =>
    new Promise((resolve) => {
      child.once("exit", resolve);
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), 20_000).unref();
    });
  return { address, stop, lines };
}
