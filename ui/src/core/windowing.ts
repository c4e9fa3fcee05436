/**
 * The arithmetic of a grid that may hold a million cells while the page holds a screenful.
 *
 * Browsers cap the height of an element (near 16 million px in the strictest), so a very long list gets a
 * spacer of `MAX_SPACER_PX` and a factor between the scroll bar (`bar_px`) and the list (`list_px`).
 */

/** Below every browser's limit, with room. */
export const MAX_SPACER_PX = 8_000_000;

export interface GridSpec {
  width_px: number;
  /** Smallest width of a cell; cells grow to fill the row. */
  cell_px: number;
  gap_px: number;
  /** Height of a cell below its square picture. */
  caption_px: number;
  total: number;
}

export interface GridLayout {
  columns: number;
  cell_px: number;
  row_px: number;
  rows: number;
  list_px: number;
  spacer_px: number;
}

export function layoutGrid(spec: GridSpec): GridLayout {
  const columns = Math.max(1, Math.floor((spec.width_px + spec.gap_px) / (spec.cell_px + spec.gap_px)));
  const cell_px = Math.max(1, Math.floor((spec.width_px - (columns - 1) * spec.gap_px) / columns));
  const row_px = cell_px + spec.caption_px + spec.gap_px;
  const rows = Math.ceil(spec.total / columns);
  const list_px = rows * row_px;
  return { columns, cell_px, row_px, rows, list_px, spacer_px: Math.min(list_px, MAX_SPACER_PX) };
}

/** Where in the list the top of the view is, from where the scroll bar is. */
export function listFromBar(bar_px: number, layout: GridLayout, view_px: number): number {
  if (layout.spacer_px === layout.list_px) return bar_px;
  const bar = Math.max(1, layout.spacer_px - view_px);
  return (bar_px / bar) * Math.max(0, layout.list_px - view_px);
}

/** The inverse of `listFromBar`. */
export function barFromList(list_px: number, layout: GridLayout, view_px: number): number {
  if (layout.spacer_px === layout.list_px) return list_px;
  const list = Math.max(1, layout.list_px - view_px);
  return (list_px / list) * Math.max(0, layout.spacer_px - view_px);
}

/** Half-open range of cell offsets that are on screen, with `overscan` rows around. */
export function visibleCells(
  list_px: number,
  view_px: number,
  layout: GridLayout,
  total: number,
  overscan = 1,
): { from: number; to: number } {
  const first = Math.max(0, Math.floor(list_px / layout.row_px) - overscan);
  const last = Math.ceil((list_px + view_px) / layout.row_px) + overscan;
  return { from: Math.min(total, first * layout.columns), to: Math.min(total, last * layout.columns) };
}

/** The list position that brings the row of `offset` on screen with the least movement. */
export function revealed(offset: number, list_px: number, view_px: number, layout: GridLayout): number {
  const top = Math.floor(offset / layout.columns) * layout.row_px;
  const bottom = top + layout.row_px;
  if (top < list_px) return top;
  if (bottom > list_px + view_px) return bottom - view_px;
  return list_px;
}

/** The pages that hold `[from, to)`. */
export function pagesOf(from: number, to: number, page: number): number[] {
  if (to <= from) return [];
  const first = Math.floor(from / page);
  const last = Math.floor((to - 1) / page);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
