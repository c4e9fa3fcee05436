import { expect, it } from 'vitest';
import { cellSamples, confidence, mistakesFirst, scoredFor } from './mistakes';

const sample = (name: string, actual: number, probabilities: number[]) => ({
  name,
  actual,
  actual_classes: [actual],
  predicted: probabilities.indexOf(Math.max(...probabilities)),
  probabilities,
});

const samples = [
  sample('sure and right', 0, [0.99, 0.01]),
  sample('unsure and right', 0, [0.55, 0.45]),
  sample('unsure and wrong', 0, [0.4, 0.6]),
  sample('sure and wrong', 0, [0.02, 0.98]),
  sample('other', 1, [0.1, 0.9]),
];

it('puts the surest mistake first and leaves right ones out', () => {
  expect(mistakesFirst(samples).map((s) => s.name)).toEqual(['sure and wrong', 'unsure and wrong']);
});

it('fills a cell: doubtful right ones first, sure wrong ones first', () => {
  expect(cellSamples(samples, 0, 0).map((s) => s.name)).toEqual(['unsure and right', 'sure and right']);
  expect(cellSamples(samples, 0, 1).map((s) => s.name)).toEqual(['sure and wrong', 'unsure and wrong']);
  expect(cellSamples(samples, 1, 0)).toEqual([]);
});

it('scores one class against the rest', () => {
  expect(scoredFor(samples, 1).map((s) => s.positive)).toEqual([false, false, false, false, true]);
  expect(scoredFor(samples, 1)[3]?.score).toBe(0.98);
});

it('reads confidence of the predicted class', () => {
  expect(confidence(sample('x', 0, [0.3, 0.7]))).toBe(0.7);
});
