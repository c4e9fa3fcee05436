import { expect, it } from 'vitest';
import { trialsWithoutFailure, upperBound } from './binomial';

it('gives the bounds of Clopper and Pearson', () => {
  // scipy.stats.beta.ppf(0.95, failures + 1, trials - failures)
  expect(upperBound(1, 30)).toBeCloseTo(0.14862, 4);
  expect(upperBound(1, 48)).toBeCloseTo(0.0951, 3);
  expect(upperBound(0, 299)).toBeLessThan(0.01);
  expect(upperBound(0, 298)).toBeGreaterThan(0.01);
});

it('claims nothing where nothing was tried or all failed', () => {
  expect(upperBound(0, 0)).toBe(1);
  expect(upperBound(5, 5)).toBe(1);
});

it('never lies below the share that was seen', () => {
  for (const [failures, trials] of [
    [3, 100],
    [50, 5000],
    [999, 1000],
    [2000, 100_000],
  ] as const) {
    expect(upperBound(failures, trials)).toBeGreaterThan(failures / trials);
  }
});

it('says how many must pass for a claim', () => {
  expect(trialsWithoutFailure(0.01)).toBe(299);
  expect(trialsWithoutFailure(0.05)).toBe(59);
});
