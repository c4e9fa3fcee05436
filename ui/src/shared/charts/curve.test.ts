import { describe, expect, it } from 'vitest';
import { align, clip, lastValue, lowerBound, reduceToColumns, valueAt } from './curve';

const ramp = (count: number) => ({
  xs: Array.from({ length: count }, (_, i) => i),
  ys: Array.from({ length: count }, (_, i) => Math.sin(i / 50)),
});

describe('reduceToColumns', () => {
  it('leaves a short curve as it is', () => {
    const curve = ramp(100);
    expect(reduceToColumns(curve, 100)).toBe(curve);
  });

  it('keeps a spike of a single step among many', () => {
    const curve = ramp(100_000);
    curve.ys[54_321] = 99;
    curve.ys[12_345] = -99;
    const reduced = reduceToColumns(curve, 300);
    expect(reduced.xs.length).toBeLessThanOrEqual(602);
    expect(Math.max(...reduced.ys)).toBe(99);
    expect(Math.min(...reduced.ys)).toBe(-99);
    expect(reduced.xs[reduced.ys.indexOf(99)]).toBe(54_321);
  });

  it('keeps both ends and the order of x', () => {
    const reduced = reduceToColumns(ramp(10_001), 50);
    expect(reduced.xs[0]).toBe(0);
    expect(reduced.xs.at(-1)).toBe(10_000);
    expect([...reduced.xs].sort((a, b) => a - b)).toEqual(reduced.xs);
  });

  it('does not divide by a width of zero', () => {
    const same = { xs: new Array<number>(50).fill(3), ys: new Array<number>(50).fill(1) };
    expect(reduceToColumns(same, 4)).toBe(same);
  });
});

describe('align', () => {
  it('joins steps and epochs on one axis', () => {
    const joined = align([
      { xs: [0.25, 0.5, 0.75, 1], ys: [4, 3, 2, 1] },
      { xs: [1, 2], ys: [10, 20] },
    ]);
    expect(joined.xs).toEqual([0.25, 0.5, 0.75, 1, 2]);
    expect(joined.columns).toEqual([
      [4, 3, 2, 1, null],
      [null, null, null, 10, 20],
    ]);
  });

  it('turns a loss of NaN into a hole', () => {
    expect(align([{ xs: [1, 2, 3], ys: [1, Number.NaN, Number.POSITIVE_INFINITY] }]).columns).toEqual([
      [1, null, null],
    ]);
  });

  it('is empty for no curves', () => {
    expect(align([])).toEqual({ xs: [], columns: [] });
  });
});

describe('clip', () => {
  it('keeps one neighbour on each side', () => {
    expect(clip(ramp(10), { from: 3, to: 5 }).xs).toEqual([2, 3, 4, 5, 6]);
  });

  it('does not run over the ends', () => {
    expect(clip(ramp(4), { from: -5, to: 50 }).xs).toEqual([0, 1, 2, 3]);
  });
});

describe('reading values', () => {
  it('finds the first index that is not below', () => {
    expect(lowerBound([1, 3, 5], 3)).toBe(1);
    expect(lowerBound([1, 3, 5], 6)).toBe(3);
    expect(lowerBound([], 6)).toBe(0);
  });

  it('reads the nearest point at or before', () => {
    const curve = { xs: [1, 2, 3], ys: [10, 20, 30] };
    expect(valueAt(curve, 2)).toBe(20);
    expect(valueAt(curve, 2.9)).toBe(20);
    expect(valueAt(curve, 0.5)).toBeNull();
    expect(valueAt(curve, 99)).toBe(30);
  });

  it('skips what is not finite at the end', () => {
    expect(lastValue({ xs: [1, 2], ys: [7, Number.NaN] })).toBe(7);
    expect(lastValue(undefined)).toBeNull();
  });
});
