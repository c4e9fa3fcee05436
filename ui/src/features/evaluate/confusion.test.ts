import { describe, expect, it } from 'vitest';
import { confusionRows, mistakeCount, moveInMatrix, tint } from './confusion';

const matrix = [
  [16, 1, 0],
  [0, 12, 1],
  [1, 0, 47],
];

describe('confusionRows', () => {
  it('gives counts and shares of the true class', () => {
    const rows = confusionRows(matrix);
    expect(rows[0]?.[1]).toEqual({ actual: 0, predicted: 1, count: 1, rowShare: 1 / 17, right: false });
    expect(rows[2]?.[2]?.right).toBe(true);
  });

  it('has no share for a class without samples', () => {
    expect(
      confusionRows([
        [0, 0],
        [1, 2],
      ])[0]?.[0]?.rowShare,
    ).toBeNull();
  });
});

it('counts what lies off the diagonal', () => {
  expect(mistakeCount(matrix)).toBe(3);
  expect(mistakeCount([])).toBe(0);
});

it('tints a single mistake visibly and an empty cell not at all', () => {
  const rows = confusionRows([
    [999, 1],
    [0, 5],
  ]);
  expect(tint(rows[0]?.[1] as never)).toBeGreaterThanOrEqual(0.3);
  expect(tint(rows[1]?.[0] as never)).toBe(0);
});

it('moves with the arrow keys and stays inside', () => {
  expect(moveInMatrix('ArrowDown', 2, 1, 3)).toEqual([2, 1]);
  expect(moveInMatrix('ArrowLeft', 2, 1, 3)).toEqual([2, 0]);
  expect(moveInMatrix('End', 0, 0, 3)).toEqual([0, 2]);
  expect(moveInMatrix('x', 0, 0, 3)).toBeNull();
});
