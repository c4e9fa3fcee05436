/** The colour of a class: the label's own where it still has one, else the palette's by index. */
export function classColor(
  class_idx: number,
  name: string,
  labels: readonly { readonly name: string; readonly color: string }[] = [],
): string {
  return labels.find((label) => label.name === name)?.color || `var(--c${(class_idx % 8) + 1})`;
}
