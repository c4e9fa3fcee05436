/** Outline and area of a small graph in a box of 100 × 100; null below two values. */
export function sparkPath(
  values: readonly number[],
  max: number,
  span: number,
): { line: string; area: string } | null {
  const shown = values.slice(-span);
  if (shown.length < 2 || max <= 0) return null;
  const step = 100 / (span - 1);
  const left = 100 - (shown.length - 1) * step;
  const points = shown.map((value, i) => {
    const y = 97 - (Math.max(0, Math.min(max, value)) / max) * 94;
    return `${(left + i * step).toFixed(2)},${y.toFixed(2)}`;
  });
  const line = `M${points.join('L')}`;
  return { line, area: `${line}L100,100L${left.toFixed(2)},100Z` };
}
