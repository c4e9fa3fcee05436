import { describe, expect, it } from 'vitest';
import { extent, shortNumber, yRange } from './scale';

describe('yRange', () => {
  it('gives values air but respects the limits', () => {
    const [low, high] = yRange([0.01, 1], { min: 0, max: 1 });
    expect(low).toBe(0);
    expect(high).toBe(1);
    const [bottom, top] = yRange([10, 20]);
    expect(bottom).toBeLessThan(10);
    expect(top).toBeGreaterThan(20);
  });

  it('puts a band around a flat curve and never inverts', () => {
    const [low, high] = yRange([0.5, 0.5]);
    expect(low).toBeLessThan(0.5);
    expect(high).toBeGreaterThan(0.5);
    const [a, b] = yRange([0, 0], { min: 0, max: 0 });
    expect(b).toBeGreaterThan(a);
  });

  it('keeps noise near 0 small', () => {
    expect(yRange([0.001, 0.01], { min: 0, max: 1, topAtLeast: 0.1 })[1]).toBe(0.1);
    expect(yRange([0.001, 0.9], { min: 0, max: 1, topAtLeast: 0.1 })[1]).toBeGreaterThan(0.9);
  });

  it('has a range before the first point', () => {
    expect(yRange(null, { min: 0, max: 1 })).toEqual([0, 1]);
  });
});

it('finds the extent without holes', () => {
  expect(
    extent([
      [null, 3, 1],
      [Number.NaN, 9],
    ]),
  ).toEqual([1, 9]);
  expect(extent([[null]])).toBeNull();
});

it('writes short figures', () => {
  expect(shortNumber(0.17119)).toBe('0.171');
  expect(shortNumber(0.00074)).toBe('7.4e-4');
  expect(shortNumber(1240.4)).toBe('1\u202f240');
  expect(shortNumber(0)).toBe('0');
  expect(shortNumber(0.0005)).toBe('5e-4');
  expect(shortNumber(Number.NaN)).toBe('—');
});
