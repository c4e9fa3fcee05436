import { expect, it } from 'vitest';
import { fittingScale, readDrawing } from './drawing';

it('takes one SVG document and nothing else', () => {
  const text = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text>a &amp; b</text></svg>';
  const drawing = readDrawing(text);
  expect(drawing?.getAttribute('width')).toBe('40');
  expect(drawing?.textContent).toBe('a & b');
  expect(readDrawing('<p>no drawing</p>')).toBeNull();
});

it('shows all of a large drawing and does not blow up a small one', () => {
  expect(fittingScale({ width: 400, height: 1200 }, { width: 600, height: 300 })).toBe(0.25);
  expect(fittingScale({ width: 100, height: 100 }, { width: 600, height: 300 })).toBe(1);
  expect(fittingScale({ width: 100, height: 100 }, { width: 0, height: 0 })).toBe(1);
});
