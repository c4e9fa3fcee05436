/** Counts of values in 0–1 in `bins` equal bins; 1 falls into the last. */
export function histogram(values: readonly number[], bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    const bin = Math.min(bins - 1, Math.max(0, Math.floor(value * bins)));
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts;
}

/** Height of a bar from 0 to 1. The square root keeps a few wrong ones visible beside a thousand right ones. */
export function barHeight(count: number, highest: number): number {
  return highest > 0 ? Math.sqrt(count / highest) : 0;
}
