/** A selection of samples by id, as an immutable value. It never depends on where a sample stands in the list. */
export interface Selection {
  readonly ids: ReadonlySet<string>;
  /** Offset where a range begins (the last plain or toggling choice). */
  readonly anchor: number | null;
  /** Offset of the keyboard's place. */
  readonly focus: number | null;
}

export const NOTHING: Selection = { ids: new Set(), anchor: null, focus: null };

/** A plain click: only this one. */
export function only(id: string, offset: number): Selection {
  return { ids: new Set([id]), anchor: offset, focus: offset };
}

/** Ctrl-click: in or out. */
export function toggle(selection: Selection, id: string, offset: number): Selection {
  const ids = new Set(selection.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, anchor: offset, focus: offset };
}

/** The offsets that a Shift-click at `offset` covers, ends included. */
export function rangeTo(selection: Selection, offset: number): { from: number; to: number } {
  const anchor = selection.anchor ?? offset;
  return { from: Math.min(anchor, offset), to: Math.max(anchor, offset) };
}

/** Shift-click: what lies between, instead of (or with Ctrl beside) what was selected. The anchor stays. */
export function extend(
  selection: Selection,
  offset: number,
  idsBetween: readonly string[],
  keep: boolean,
): Selection {
  const ids = new Set(keep ? selection.ids : []);
  for (const id of idsBetween) ids.add(id);
  return { ids, anchor: selection.anchor ?? offset, focus: offset };
}

export function all(selection: Selection, ids: readonly string[]): Selection {
  return { ids: new Set(ids), anchor: selection.anchor, focus: selection.focus };
}

/** Without samples that are gone. */
export function without(selection: Selection, gone: Iterable<string>): Selection {
  const ids = new Set(selection.ids);
  for (const id of gone) ids.delete(id);
  return { ...selection, ids };
}

/** Where an arrow, Home, End or a page key leads from `from` in a grid; null for any other key. */
export function step(
  key: string,
  from: number,
  grid: { columns: number; rowsOnScreen: number; total: number },
): number | null {
  const leaps: Record<string, number> = {
    arrowleft: -1,
    arrowright: 1,
    arrowup: -grid.columns,
    arrowdown: grid.columns,
    pageup: -grid.columns * grid.rowsOnScreen,
    pagedown: grid.columns * grid.rowsOnScreen,
    home: -Infinity,
    end: Infinity,
  };
  const leap = leaps[key];
  if (leap === undefined || grid.total === 0) return null;
  return Math.max(0, Math.min(grid.total - 1, from + leap));
}
