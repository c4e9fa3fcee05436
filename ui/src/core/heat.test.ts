import { describe, expect, it } from 'vitest';
import { canvasSize, heatColor, heatGradient, heatPixels } from './heat';

const hex = (heat: number): string =>
  heatColor(heat)
    .map((v) => v.toString(16).padStart(2, '0'))
    .join('');

describe('colours of heat', () => {
  // The same five colours stand in the test of va_app, which draws the pictures of the command line.
  it('are those of the picture to keep', () => {
    expect([0, 0.25, 0.5, 0.75, 1].map(hex)).toEqual(['181439', '701f6c', 'cc4158', 'f89638', 'f4efa8']);
    expect(hex(-1)).toBe(hex(0));
    expect(hex(2)).toBe(hex(1));
  });

  it('fill a gradient from cold to hot', () => {
    expect(heatGradient(1)).toBe('linear-gradient(to right, rgb(24 20 57), rgb(244 239 168))');
  });
});

describe('pixels of a map', () => {
  const alphas = (pixels: Uint8ClampedArray): number[] => [...pixels].filter((_, i) => i % 4 === 3);

  it('interpolate between the positions and stay at the borders', () => {
    const pixels = heatPixels({ rows: 1, columns: 2, heat: [0, 1] }, 8, 1);
    expect(alphas(pixels)).toEqual([0, 0, 32, 96, 159, 223, 255, 255]);
    expect([...pixels.slice(28, 32)]).toEqual([244, 239, 168, 255]);
  });

  it('go down as well as across', () => {
    const pixels = heatPixels({ rows: 2, columns: 1, heat: [1, 0] }, 1, 4);
    expect(alphas(pixels)).toEqual([255, 191, 64, 0]);
  });

  it('are as transparent as the map is cold', () => {
    expect(alphas(heatPixels({ rows: 1, columns: 1, heat: [0] }, 2, 2))).toEqual([0, 0, 0, 0]);
  });
});

it('keeps the aspect of an image', () => {
  expect(canvasSize(4000, 1000, 192)).toEqual({ width: 192, height: 48 });
  expect(canvasSize(10, 0, 192)).toEqual({ width: 192, height: 1 });
});
