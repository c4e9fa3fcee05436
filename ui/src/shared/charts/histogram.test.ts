import { expect, it } from 'vitest';
import { barHeight, histogram } from './histogram';

it('counts every value once, the ends included', () => {
  expect(histogram([0, 0.05, 0.5, 0.99, 1, Number.NaN], 10)).toEqual([2, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
});

it('keeps one among a thousand visible', () => {
  expect(barHeight(1, 1000)).toBeGreaterThan(0.03);
  expect(barHeight(0, 0)).toBe(0);
  expect(barHeight(5, 5)).toBe(1);
});
