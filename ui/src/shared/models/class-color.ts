/** The colour of a class: the label's own where it still has one, else the palette's by index. */
export function classColor(
  class_idx: number,
  name: string,
  labels: readonly { readonly name: string; readonly color: string }[] = [],
): string {
  return labels.find((label) => label.name === name)?.color || `var(--c${(class_idx % 8) + 1})`;
}

/** A CSS background that shows all of these colours side by side. */
export function stripes(colors: readonly string[]): string {
  const [first] = colors;
  if (first === undefined || colors.length === 1) return first ?? 'transparent';
  const at = (n: number): string => `${(100 * n) / colors.length}%`;
  return `linear-gradient(to right, ${colors.map((color, n) => `${color} ${at(n)} ${at(n + 1)}`).join(', ')})`;
}
