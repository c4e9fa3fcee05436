// A small folder of real images, a folder a class, cut from the bundled sample.
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const sample = fileURLToPath(new URL("../../../assets/sample/", import.meta.url));

export function sampleClasses() {
  return readdirSync(sample, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** Copies `perClass` images of every class into `folder`; gives the classes, their files and how many images there are. */
export function sampleFolder(folder, perClass) {
  const classes = sampleClasses();
  const files = {};
  let count = 0;
  for (const name of classes) {
    const target = join(folder, name);
    mkdirSync(target, { recursive: true });
    files[name] = readdirSync(join(sample, name)).sort().slice(0, perClass);
    for (const file of files[name]) {
      cpSync(join(sample, name, file), join(target, file));
      count += 1;
    }
  }
  return { classes, count, files };
}
