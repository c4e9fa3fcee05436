/** Counts changes of the theme. A canvas has no cascade: what paints on one reads this and paints again. */
let changes = $state(0);

if (typeof document !== 'undefined' && typeof MutationObserver !== 'undefined') {
  new MutationObserver(() => (changes += 1)).observe(document.documentElement, {
    attributes: true,
    attributeFilter: ['data-theme'],
  });
}

/** Reading it makes an effect follow the theme. */
export function themeChanges(): number {
  return changes;
}

/** The value of a custom property now. */
export function cssColor(name: string): string {
  if (typeof document === 'undefined') return '#888';
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || '#888';
}
