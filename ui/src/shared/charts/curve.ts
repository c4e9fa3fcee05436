/** One curve of a chart. `xs` ascend and have the length of `ys`. */
export interface Curve {
  readonly xs: readonly number[];
  readonly ys: readonly number[];
}

/** A part of the x axis, both ends included. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Curves on one common x axis; null where a curve has no point there. */
export interface Aligned {
  readonly xs: number[];
  readonly columns: (number | null)[][];
}

/** First index whose x is not below `x` (the length if there is none). */
export function lowerBound(xs: readonly number[], x: number): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((xs[middle] as number) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The points inside `span` and one neighbour on each side, so that lines run out of the picture instead of stopping. */
export function clip(curve: Curve, span: Span): Curve {
  const start = Math.max(0, lowerBound(curve.xs, span.from) - 1);
  let end = lowerBound(curve.xs, span.to);
  while (end < curve.xs.length && (curve.xs[end] as number) <= span.to) end += 1;
  end = Math.min(curve.xs.length, end + 1);
  return { xs: curve.xs.slice(start, end), ys: curve.ys.slice(start, end) };
}

/**
 * Keeps the smallest and the largest value of every column of the picture, so that a spike of one step among a million
 * stays visible. The first and the last point are always kept.
 */
export function reduceToColumns(curve: Curve, columns: number): Curve {
  const count = curve.xs.length;
  if (columns < 1 || count <= columns * 2 + 2) return curve;
  const first = curve.xs[0] as number;
  const width = ((curve.xs[count - 1] as number) - first) / columns;
  if (!(width > 0)) return curve;
  const keep: number[] = [0];
  let index = 1;
  while (index < count - 1) {
    const column = Math.min(columns - 1, Math.floor(((curve.xs[index] as number) - first) / width));
    let low = index;
    let high = index;
    let next = index;
    while (
      next < count - 1 &&
      Math.min(columns - 1, Math.floor(((curve.xs[next] as number) - first) / width)) === column
    ) {
      if ((curve.ys[next] as number) < (curve.ys[low] as number)) low = next;
      if ((curve.ys[next] as number) > (curve.ys[high] as number)) high = next;
      next += 1;
    }
    if (low === high) keep.push(low);
    else keep.push(Math.min(low, high), Math.max(low, high));
    index = next;
  }
  keep.push(count - 1);
  return { xs: keep.map((i) => curve.xs[i] as number), ys: keep.map((i) => curve.ys[i] as number) };
}

/** Puts curves with points at different x on one axis. A value that is no finite number becomes a hole. */
export function align(curves: readonly Curve[]): Aligned {
  const xs = [...new Set(curves.flatMap((curve) => curve.xs))].sort((a, b) => a - b);
  const columns = curves.map((curve) => {
    const column: (number | null)[] = new Array<number | null>(xs.length).fill(null);
    let at = 0;
    curve.xs.forEach((x, index) => {
      while ((xs[at] as number) < x) at += 1;
      const y = curve.ys[index] as number;
      column[at] = Number.isFinite(y) ? y : null;
    });
    return column;
  });
  return { xs, columns };
}

/** What a curve shows at `x`: its nearest point at or before it, null before its first. */
export function valueAt(curve: Curve, x: number): number | null {
  let index = lowerBound(curve.xs, x);
  if (curve.xs[index] !== x) index -= 1;
  const value = curve.ys[index];
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** The last finite value of a curve. */
export function lastValue(curve: Curve | undefined): number | null {
  if (!curve) return null;
  for (let index = curve.ys.length - 1; index >= 0; index -= 1) {
    const value = curve.ys[index] as number;
    if (Number.isFinite(value)) return value;
  }
  return null;
}
