import { expect, it } from 'vitest';
import { givenClasses, wrongDecisions } from './set-mistakes';

const samples = [
  { name: 'right', actual_classes: [0, 1], probabilities: [0.9, 0.7] },
  { name: 'misses one', actual_classes: [0, 1], probabilities: [0.8, 0.3] },
  { name: 'gives one too many', actual_classes: [], probabilities: [0.1, 0.95] },
  { name: 'both wrong', actual_classes: [0], probabilities: [0.42, 0.55] },
];
const names = (
  class_idx: number | null,
  kind: 'missed' | 'wrongly' | null,
  thresholds = [0.5, 0.5],
): string[] =>
  wrongDecisions(samples, thresholds, { class_idx, kind }).map((d) => `${d.sample.name} ${d.class_idx}`);

it('lists every wrong decision, the surest first', () => {
  expect(names(null, null)).toEqual(['gives one too many 1', 'misses one 1', 'both wrong 0', 'both wrong 1']);
});

it('tells what is missed from what is given wrongly, class by class', () => {
  expect(names(1, 'missed')).toEqual(['misses one 1']);
  expect(names(1, 'wrongly')).toEqual(['gives one too many 1', 'both wrong 1']);
  expect(names(0, 'wrongly')).toEqual([]);
});

it('follows the threshold of each class', () => {
  expect(names(1, 'missed', [0.5, 0.3])).toEqual([]);
  expect(names(0, null, [0.4, 0.5])).toEqual([]);
});

it('gives the classes at or above their thresholds', () => {
  expect(samples.map((sample) => givenClasses(sample, [0.5, 0.7]))).toEqual([[0, 1], [0], [1], []]);
});
