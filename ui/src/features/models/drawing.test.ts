import { expect, it } from 'vitest';
import { fittingScale, readDrawing, sayCosts } from './drawing';

it('takes one SVG document and nothing else', () => {
  const text = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text>a &amp; b</text></svg>';
  const drawing = readDrawing(text);
  expect(drawing?.getAttribute('width')).toBe('40');
  expect(drawing?.textContent).toBe('a & b');
  expect(readDrawing('<p>no drawing</p>')).toBeNull();
});

it('says what blocks cost in the words of the page', () => {
  const text = `<svg xmlns="http://www.w3.org/2000/svg"><text class="net-cost" data-params="9540" data-multiply-adds="7">9.54 k
    params · 7 MACs</text><text class="net-title">conv1</text></svg>`;
  const drawing = readDrawing(text) as SVGSVGElement;
  sayCosts(drawing, (params, macs) => `${params} 参数 · ${macs} 次乘加`);
  expect([...drawing.children].map((part) => part.textContent)).toEqual(['9540 参数 · 7 次乘加', 'conv1']);
});

it('shows all of a large drawing and does not blow up a small one', () => {
  expect(fittingScale({ width: 400, height: 1200 }, { width: 600, height: 300 })).toBe(0.25);
  expect(fittingScale({ width: 100, height: 100 }, { width: 600, height: 300 })).toBe(1);
  expect(fittingScale({ width: 100, height: 100 }, { width: 0, height: 0 })).toBe(1);
});
