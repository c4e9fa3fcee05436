import { describe, expect, it } from 'vitest';
import {
  barFromList,
  layoutGrid,
  listFromBar,
  MAX_SPACER_PX,
  pagesOf,
  revealed,
  visibleCells,
} from './windowing';

const spec = { width_px: 1000, cell_px: 120, gap_px: 8, caption_px: 28, total: 1_000_000 };
const VIEW_PX = 800;

describe('layoutGrid', () => {
  it('fills the width with whole cells', () => {
    const layout = layoutGrid(spec);
    expect(layout.columns).toBe(7);
    const used = layout.columns * layout.cell_px + (layout.columns - 1) * spec.gap_px;
    expect(used).toBeLessThanOrEqual(1000);
    expect(used).toBeGreaterThan(1000 - layout.columns);
  });

  it('has one column where nothing fits', () => {
    expect(layoutGrid({ ...spec, width_px: 50 }).columns).toBe(1);
  });

  it('never asks a browser for more height than it has', () => {
    expect(layoutGrid(spec).spacer_px).toBe(MAX_SPACER_PX);
    expect(layoutGrid({ ...spec, total: 100 }).spacer_px).toBe(layoutGrid({ ...spec, total: 100 }).list_px);
  });
});

describe('bar and list', () => {
  const layout = layoutGrid(spec);

  it('the ends of the bar are the ends of the list', () => {
    expect(listFromBar(0, layout, VIEW_PX)).toBe(0);
    expect(listFromBar(layout.spacer_px - VIEW_PX, layout, VIEW_PX)).toBeCloseTo(layout.list_px - VIEW_PX, 3);
  });

  it('are each other’s inverse', () => {
    for (const at of [0, 1234.5, 9_999_999, layout.list_px - VIEW_PX]) {
      expect(listFromBar(barFromList(at, layout, VIEW_PX), layout, VIEW_PX)).toBeCloseTo(at, 3);
    }
  });

  it('are the same in a short list', () => {
    const short = layoutGrid({ ...spec, total: 200 });
    expect(listFromBar(321, short, VIEW_PX)).toBe(321);
  });
});

describe('visibleCells', () => {
  const layout = layoutGrid(spec);

  it('holds a screenful and little more, wherever the view is', () => {
    for (const at of [0, 5_000_000, layout.list_px - VIEW_PX]) {
      const { from, to } = visibleCells(at, VIEW_PX, layout, spec.total);
      expect(to - from).toBeLessThanOrEqual((Math.ceil(VIEW_PX / layout.row_px) + 3) * layout.columns);
      expect(from % layout.columns).toBe(0);
      expect(to).toBeGreaterThan(from);
    }
  });

  it('ends with the last cell', () => {
    expect(visibleCells(layout.list_px - VIEW_PX, VIEW_PX, layout, spec.total).to).toBe(spec.total);
    expect(visibleCells(0, VIEW_PX, layout, 3)).toEqual({ from: 0, to: 3 });
  });
});

describe('revealed', () => {
  const layout = layoutGrid(spec);

  it('moves as little as it can', () => {
    expect(revealed(0, 500, VIEW_PX, layout)).toBe(0);
    expect(revealed(layout.columns, 0, VIEW_PX, layout)).toBe(0);
    const row = 20;
    expect(revealed(row * layout.columns, 0, VIEW_PX, layout)).toBe((row + 1) * layout.row_px - VIEW_PX);
  });
});

describe('pagesOf', () => {
  it('names every page once', () => {
    expect(pagesOf(0, 1, 200)).toEqual([0]);
    expect(pagesOf(199, 201, 200)).toEqual([0, 1]);
    expect(pagesOf(400, 400, 200)).toEqual([]);
  });
});
