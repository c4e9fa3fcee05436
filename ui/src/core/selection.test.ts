import { describe, expect, it } from 'vitest';
import { all, extend, NOTHING, only, rangeTo, step, toggle, without } from './selection';

const ids = (selection: { ids: ReadonlySet<string> }): string[] => [...selection.ids].sort();

describe('selection', () => {
  it('a click selects one, Ctrl adds and takes away', () => {
    const one = only('a', 0);
    expect(ids(one)).toEqual(['a']);
    const two = toggle(one, 'b', 1);
    expect(ids(two)).toEqual(['a', 'b']);
    expect(ids(toggle(two, 'a', 0))).toEqual(['b']);
    expect(ids(one)).toEqual(['a']);
  });

  it('Shift selects between the anchor and here, in both directions, and keeps the anchor', () => {
    const start = only('e', 4);
    expect(rangeTo(start, 7)).toEqual({ from: 4, to: 7 });
    expect(rangeTo(start, 1)).toEqual({ from: 1, to: 4 });
    const up = extend(start, 2, ['c', 'd', 'e'], false);
    expect(ids(up)).toEqual(['c', 'd', 'e']);
    expect(up.anchor).toBe(4);
    expect(up.focus).toBe(2);
    expect(rangeTo(up, 5)).toEqual({ from: 4, to: 5 });
  });

  it('Shift with Ctrl keeps what was selected', () => {
    expect(ids(extend(only('z', 9), 1, ['b'], true))).toEqual(['b', 'z']);
  });

  it('Shift without an anchor begins here', () => {
    expect(rangeTo(NOTHING, 3)).toEqual({ from: 3, to: 3 });
  });

  it('everything, and without what is gone', () => {
    expect(ids(without(all(NOTHING, ['a', 'b', 'c']), ['b']))).toEqual(['a', 'c']);
  });
});

describe('step', () => {
  const grid = { columns: 4, rowsOnScreen: 3, total: 10 };
  it.each([
    ['arrowright', 0, 1],
    ['arrowleft', 0, 0],
    ['arrowdown', 1, 5],
    ['arrowdown', 8, 9],
    ['arrowup', 2, 0],
    ['pagedown', 0, 9],
    ['home', 7, 0],
    ['end', 0, 9],
  ])('%s from %i leads to %i', (key, from, to) => expect(step(key, from, grid)).toBe(to));

  it('leaves other keys alone', () => {
    expect(step('x', 0, grid)).toBeNull();
    expect(step('end', 0, { ...grid, total: 0 })).toBeNull();
  });
});
