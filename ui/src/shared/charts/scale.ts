/** Smallest and largest of the finite values, null when there are none. */
export function extent(columns: readonly (readonly (number | null)[])[]): [number, number] | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const column of columns) {
    for (const value of column) {
      if (value === null || !Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : null;
}

/** Bounds that the axis may not leave: a loss never shows below 0, a share never above 1. */
export interface Limits {
  readonly min?: number;
  readonly max?: number;
  /** The top never lies below this, so that small noise near 0 looks small. */
  readonly topAtLeast?: number;
}

/** The y axis: the values with 6 % of air, inside the limits; flat curves get a band around them. */
export function yRange(values: [number, number] | null, limits: Limits = {}): [number, number] {
  const [low, high] = values ?? [limits.min ?? 0, limits.max ?? 1];
  const pad = high > low ? (high - low) * 0.06 : Math.max(Math.abs(high) * 0.1, 1e-9);
  const bottom = Math.max(low - pad, limits.min ?? Number.NEGATIVE_INFINITY);
  const top = Math.min(
    Math.max(high + pad, limits.topAtLeast ?? Number.NEGATIVE_INFINITY),
    limits.max ?? Number.POSITIVE_INFINITY,
  );
  return top > bottom ? [bottom, top] : [bottom, bottom + 1e-9];
}

/** Short figures for axes and read-outs: `0.171`, `7.4e-4`, `1 240`. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return '—';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 1e-3) return value.toExponential(1).replace('.0e', 'e');
  if (size < 10) return String(Number(value.toPrecision(3)));
  if (size < 1000) return String(Number(value.toPrecision(4)));
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}
