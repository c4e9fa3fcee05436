import { describe, expect, it } from 'vitest';
import { CurveTable } from './curves';

const point = (step: number, value: number, name = 'train/loss') => ({ name, step, epoch: step / 10, value });

describe('CurveTable', () => {
  it('continues a loaded curve with events', () => {
    const table = CurveTable.from([
      { name: 'train/loss', steps: [1, 2], epochs: [0.1, 0.2], values: [3, 2] },
    ]);
    table.add([point(3, 1)]);
    expect(table.byEpoch('train/loss')).toEqual({ xs: [0.1, 0.2, 0.3], ys: [3, 2, 1] });
  });

  it('takes a step that comes twice once', () => {
    const table = new CurveTable();
    table.add([point(1, 9), point(2, 8), point(3, 7)]);
    table.add([point(2, 5), point(3, 4), point(4, 3)]);
    expect(table.byEpoch('train/loss').ys).toEqual([9, 5, 4, 3]);
  });

  it('puts a late step into its place', () => {
    const table = new CurveTable();
    table.add([point(1, 9), point(3, 7), point(2, 8)]);
    expect(table.byEpoch('train/loss').xs).toEqual([0.1, 0.2, 0.3]);
  });

  it('does not write into what it was loaded from', () => {
    const loaded = { name: 'train/loss', steps: [1], epochs: [0.1], values: [3] };
    CurveTable.from([loaded]).add([point(2, 1)]);
    expect(loaded.steps).toEqual([1]);
  });

  it('finds the best value and its epoch, not the last', () => {
    const table = new CurveTable();
    table.add(
      [0.5, 0.9, Number.NaN, 0.7].map((value, i) => ({ name: 'val/macro_f1', step: i, epoch: i + 1, value })),
    );
    expect(table.best('val/macro_f1')).toEqual({ value: 0.9, epoch: 2 });
    expect(table.best('val/macro_f1', 'lowest')).toEqual({ value: 0.5, epoch: 1 });
    expect(table.last('val/macro_f1')).toBe(0.7);
    expect(table.best('val/loss')).toBeNull();
  });

  it('is empty before the first point', () => {
    expect(new CurveTable().isEmpty).toBe(true);
    expect(new CurveTable().byEpoch('lr')).toEqual({ xs: [], ys: [] });
  });
});
