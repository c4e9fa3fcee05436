/** Counts changes of the theme. A canvas has no cascade: what paints on one reads this and paints again. */
let changes = $state(0);

if (typeof document !== 'undefined' && typeof MutationObserver !== 'undefined') {
  new MutationObserver(() => (changes += 1)).observe(document.documentElement, {
    attributes: true,
    attributeFilter: ['data-theme'],
  });
}

/** The value of a custom property now; following it also follows the theme. */
export function cssColor(name: string): string {
  void changes;
  if (typeof document === 'undefined') return '#888';
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || '#888';
}
