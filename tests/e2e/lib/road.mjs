// The road of a new user, once for every kind of window: project, images, label, undo, train, confusion, export, predict.
import assert from "node:assert/strict";

const at = (id) => `[data-testid="${id}"]`;
const TRAINING_MS = 240_000;

/** Projects are empty; makes one, which opens its empty dataset. */
export async function createProject(driver, name) {
  await driver.see(at("app"));
  await driver.see(at("projects-empty"));
  await driver.click(at("project-new"));
  await driver.fill(at("project-name"), name);
  await driver.click(at("project-save"));
  await driver.see(at("screen-data"));
}

/** `bring` puts the folder before the application as its user would (a drop, a chooser). */
export async function importImages(driver, bring, { classes, count }) {
  await bring();
  await driver.see(at("import-preview"));
  assert.equal(await driver.count(at("import-class")), classes.length, "classes in the preview");
  await driver.click(at("import-start"));
  await driver.see(at("import-report"), 60_000);
  await driver.click(at("import-show"));
  await driver.see(at("sample-cell"));
  assert.match(await driver.text(at("sample-count")), new RegExp(`^${count}\\b`));
}

/** Gives the first image another class by its digit, and takes it back. */
export async function labelAndUndo(driver) {
  const cell = `${at("sample-cell")}[aria-posinset="1"]`;
  const said = () => driver.attribute(cell, "aria-label");
  const before = await said();
  await driver.click(cell);
  await driver.see(at("selection-bar"));
  for (const digit of ["3", "1"]) {
    await driver.press(digit);
    await driver.until(async () => (await driver.count(at("toast"))) > 0 || (await said()) !== before, "the label's answer");
    if ((await said()) !== before) break;
  }
  const labelled = await said();
  assert.notEqual(labelled, before, "the digit changed the class");
  await driver.press("Control+z");
  await driver.until(async () => (await said()) === before, "the undone label");
  await driver.press("Control+Shift+z");
  await driver.until(async () => (await said()) === labelled, "the label done again");
  await driver.press("Control+z");
  await driver.until(async () => (await said()) === before, "the label undone again");
}

/** Starts a small run and watches its graphs move. */
export async function train(driver, { image_size_px, epochs, batch_size }) {
  await driver.click(at("rail-train"));
  await driver.click(`${at("train-new")}, ${at("train-empty-new")}`);
  await driver.see(at("train-new-panel"));
  await driver.click(at("train-preset-fast"));
  for (const [key, value] of Object.entries({ epochs, image_size_px, batch_size })) {
    await driver.fill(at(`train-set-${key}`), String(value));
  }
  await driver.see(at("train-forecast-verdict"));
  await driver.click(at("train-start"));
  await driver.see(at("train-run-page"));
  await driver.see(`${at("chart-loss")} canvas`, 60_000);
  const seen = new Set();
  await driver.until(
    async () => {
      seen.add(await driver.text(at("chart-loss")));
      return seen.size >= 3;
    },
    "three different readings of the loss",
    TRAINING_MS,
  );
  await driver.see(at("machine-panel"));
  await driver.see(at("train-evaluate"), TRAINING_MS);
}

/** From the finished run to the matrix, and from a number to the images behind it. */
export async function evaluate(driver) {
  await driver.click(at("train-evaluate"));
  await driver.see(at("evaluate-screen"));
  await driver.until(async () => (await driver.count(at("confusion"))) || (await driver.enabled(at("evaluate-run"))), "a choice");
  if (!(await driver.count(at("confusion")))) await driver.click(at("evaluate-run"));
  await driver.see(at("confusion"), 60_000);
  const cells = '[data-testid^="cell-"]';
  const numbers = await driver.texts(cells);
  const filled = numbers.findIndex((text) => Number.parseInt(text, 10) > 0);
  assert.ok(filled >= 0, `a cell with images among ${numbers}`);
  await driver.clickNth(cells, filled);
  await driver.see(at("strip-image"));
  assert.equal(await driver.count(at("strip-image")), Number.parseInt(numbers[filled], 10), "the images behind the cell");
  await driver.click(at("strip-why-all"));
  await driver.until(async () => (await driver.count(at("heat-overlay"))) > 0, "where the model saw the class, over the images");
}

/** `answer` says where the file goes, in a window whose system asks for it. */
export async function exportModel(driver, answer = async () => {}) {
  await driver.click(at("rail-models"));
  await driver.click(at("model-item"));
  await driver.see(at("network-totals"));
  await driver.click(at("model-export"));
  await answer();
  await driver.see(at("certificate"), 60_000);
  assert.equal(await driver.attribute(at("certificate"), "data-verdict"), "PASS");
}

export async function predict(driver, bring, count) {
  await driver.click(at("rail-predict"));
  await driver.see(at("predict-screen"));
  await driver.see(at("predict-choose"));
  await bring();
  await driver.see(at("prediction"), 60_000);
  assert.equal(await driver.count(at("prediction")), count);
  const shown = `${at("prediction")} img[data-loaded]`;
  await driver.until(async () => (await driver.count(shown)) === count, "a picture of every predicted image");
  await driver.click(at("predict-why"));
  await driver.until(async () => (await driver.count(at("heat-overlay"))) === count, "where the model saw the class, on every picture");
}
