import type { ClassExplanation, NetworkDescription } from '../types';
import { random } from './random';
import type { FakeDataset } from './world';

const LAYERS: Readonly<Record<string, number>> = {
  'layer2.1.act2': 28,
  'layer3.1.act2': 14,
  'layer4.1.act2': 7,
};
const DEFAULT_LAYER = 'layer4.1.act2';

/** A made-up map: warm around one place, which depends on image and class. */
export function explanation(
  dataset: FakeDataset,
  classes: readonly string[],
  sample_id: string | null,
  class_idx: number | null,
  asked: string | null,
): ClassExplanation {
  const at = (sample_id && dataset.samples.index(sample_id)) || 0;
  const seen = dataset.samples.kind(at) % classes.length;
  const class_shown = class_idx ?? seen;
  const layer = asked && asked in LAYERS ? asked : DEFAULT_LAYER;
  const side = LAYERS[layer] ?? 7;
  const r = random(at * 7 + class_shown + 1);
  const [row, column, spread] = [0.25 + r() * 0.5, 0.25 + r() * 0.5, 0.1 + r() * 0.08];
  const heat = Array.from({ length: side * side }, (_, i) => {
    const [y, x] = [(Math.floor(i / side) + 0.5) / side, ((i % side) + 0.5) / side];
    return Math.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * spread ** 2));
  });
  const most = Math.max(...heat);
  const score = (k: number): number => (k === seen ? 0.86 : 0.14 / Math.max(1, classes.length - 1));
  return {
    name: dataset.samples.at(at).name,
    sample_id,
    label: classes[class_shown] ?? '',
    class_idx: class_shown,
    score: score(class_shown),
    probabilities: classes
      .map((label, k) => ({ label, probability: score(k) }))
      .sort((a, b) => b.probability - a.probability),
    layer,
    layers: Object.keys(LAYERS),
    rows: side,
    columns: side,
    heat: heat.map((value) => value / most),
    peak: 1.7,
  };
}

/** A made-up network of a few blocks. */
export function network(): NetworkDescription {
  const titles = ['input', 'conv1', 'maxpool', 'layer1.0–1', 'layer2.0', 'layer2.1', 'global_pool', 'fc'];
  const box = (title: string, i: number): string => {
    const y = 28 + i * 96;
    const line = i > 0 ? `<path class="net-edge" d="M188 ${y - 26}L188 ${y}" stroke="currentColor"/>` : '';
    return `${line}<g class="net-block"><title>${title}</title><rect class="net-box" x="28" y="${y}" width="320" height="70" rx="8" fill="none" stroke="currentColor"/><text class="net-title" x="42" y="${y + 22}" fill="currentColor">${title}</text></g>`;
  };
  const height = 56 + titles.length * 96;
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" class="network" viewBox="0 0 376 ${height}" width="376" height="${height}">${titles.map(box).join('')}</svg>`,
    parameters: 11_178_051,
    multiply_adds: 1_813_563_392,
    peak_activation_bytes: 6_422_528,
  };
}
