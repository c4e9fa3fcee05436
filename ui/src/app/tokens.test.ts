import { describe, expect, it } from 'vitest';
import css from './tokens.css?raw';

/** WCAG 2.2, 1.4.3: contrast of text at least 4.5 to 1. */
const AA = 4.5;
type Rgb = readonly [number, number, number];

function tokensOf(theme: string): Map<string, string> {
  const block = new RegExp(`\\[data-theme='${theme}'\\] \\{([^}]*)\\}`).exec(css)?.[1] ?? '';
  return new Map(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]+);/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

function rgb(hex: string): Rgb {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  return [r, g, b];
}

function over(top: Rgb, below: Rgb, share: number): Rgb {
  const mixed = (i: 0 | 1 | 2): number => top[i] * share + below[i] * (1 - share);
  return [mixed(0), mixed(1), mixed(2)];
}

/** Relative luminance as WCAG defines it. */
function luminance(color: Rgb): number {
  const linear = (value: number): number =>
    value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  return 0.2126 * linear(color[0]) + 0.7152 * linear(color[1]) + 0.0722 * linear(color[2]);
}

function contrast(a: Rgb, b: Rgb): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

/** The least contrast of a text on these grounds, and where. */
function least(
  text: string,
  grounds: [string, Rgb][],
  tokens: Map<string, string>,
): { at: string; ratio: number } {
  const found = grounds.map(([at, ground]) => ({ at, ratio: contrast(rgb(tokens.get(text) ?? ''), ground) }));
  return found.reduce((a, b) => (b.ratio < a.ratio ? b : a));
}

describe.each(['dark', 'light'])('the %s theme', (theme) => {
  const tokens = tokensOf(theme);
  const of = (name: string): Rgb => rgb(tokens.get(name) ?? '');
  const plain = ['bg', 'surface', 'raised', 'sunken', 'field'].map((name): [string, Rgb] => [name, of(name)]);
  const accent = tokens.get('accent-soft') ?? '';
  const soft = Number.parseInt(accent.slice(7, 9), 16) / 255;
  const chosen = ['bg', 'surface', 'raised'].map((name): [string, Rgb] => [
    `accent-soft on ${name}`,
    over(rgb(accent), of(name), soft),
  ]);

  it('has its tokens', () => expect(tokens.size).toBeGreaterThan(15));

  it.each(['text', 'muted', 'faint'])('reads %s on every ground', (name) => {
    expect(least(name, plain, tokens)).toMatchObject({
      ratio: expect.toSatisfy((ratio: number) => ratio >= AA),
    });
  });

  it.each(['text', 'muted'])('reads %s where something is chosen', (name) => {
    expect(least(name, chosen, tokens)).toMatchObject({
      ratio: expect.toSatisfy((ratio: number) => ratio >= AA),
    });
  });

  // As badges, certificates and notes have it: the word in its colour on 14 % of the same colour.
  it.each(['ok', 'warn', 'bad', 'info', 'accent'])('reads %s on its own tint', (name) => {
    const tint: [string, Rgb][] = [
      [`14 % ${name}`, over(of(name), of('surface'), 0.14)],
      ['surface', of('surface')],
    ];
    expect(least(name, tint, tokens)).toMatchObject({
      ratio: expect.toSatisfy((ratio: number) => ratio >= AA),
    });
  });

  it('reads what stands on the accent', () => {
    expect(contrast(of('accent-ink'), of('accent'))).toBeGreaterThanOrEqual(AA);
  });
});
