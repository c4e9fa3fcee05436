import { describe, expect, it } from 'vitest';
import { fitted, imageFromScreen, kept, MAX_SCALE, panned, zoomedAt } from './zoom';

const image = { width: 400, height: 200 };
const screen = { width: 1000, height: 600 };

describe('view', () => {
  it('fits the whole image, centred', () => {
    const view = fitted(image, screen, 0);
    expect(view.scale).toBe(2.5);
    expect(view.x_screen).toBe(0);
    expect(view.y_screen).toBe(50);
  });

  it('keeps the point under the cursor when zooming', () => {
    const view = fitted(image, screen);
    const before = imageFromScreen(view, 333, 222);
    for (const factor of [1.25, 0.3, 7]) {
      const after = imageFromScreen(zoomedAt(view, factor, 333, 222), 333, 222);
      expect(after.x).toBeCloseTo(before.x, 9);
      expect(after.y).toBeCloseTo(before.y, 9);
    }
  });

  it('stops at the largest scale, without drifting', () => {
    const most = zoomedAt(fitted(image, screen), 1e9, 100, 100);
    expect(most.scale).toBe(MAX_SCALE);
    expect(zoomedAt(most, 2, 700, 20)).toEqual(most);
  });

  it('cannot lose the image', () => {
    const view = kept(panned(fitted(image, screen), -1e6, 1e6), image, screen, 48);
    expect(view.x_screen + image.width * view.scale).toBe(48);
    expect(view.y_screen).toBe(screen.height - 48);
  });

  it('survives a window without size', () => {
    expect(fitted(image, { width: 0, height: 0 }).scale).toBe(1);
  });
});
