/** Heat maps: the colours of heat and the pixels of a map. Pure. */

/** Heat over an image: `rows · columns` numbers in row order, 0–1. */
export interface HeatMap {
  readonly rows: number;
  readonly columns: number;
  readonly heat: readonly number[];
}

export type Rgb = readonly [red: number, green: number, blue: number];

/**
 * The colour of a heat in 0–1: from dark violet over red to pale yellow in steps that look equal, because the lightness of
 * OKLab (Ottosson 2020) grows evenly. `va_app::explain` draws with the same rule.
 */
export function heatColor(heat: number): Rgb {
  const t = Math.min(1, Math.max(0, heat));
  const hue = ((285 + 180 * t) * Math.PI) / 180;
  const chroma = 0.07 + 0.38 * t * (1 - t) + 0.02 * t;
  return fromOklab(0.22 + 0.72 * t, chroma * Math.cos(hue), chroma * Math.sin(hue));
}

function fromOklab(lightness: number, a: number, b: number): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    encode(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** Linear light to an sRGB byte. */
function encode(linear: number): number {
  const v = Math.min(1, Math.max(0, linear));
  return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
}

/** The colours as a CSS gradient from 0 to 1. */
export function heatGradient(steps = 8): string {
  const stops = Array.from({ length: steps + 1 }, (_, i) => `rgb(${heatColor(i / steps).join(' ')})`);
  return `linear-gradient(to right, ${stops.join(', ')})`;
}

/**
 * RGBA pixels of a map at a size, interpolated between its positions. Alpha is the heat itself: where there is none, the
 * image stays as it is.
 */
export function heatPixels(map: HeatMap, width: number, height: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(width * height * 4);
  const colors = Array.from({ length: 256 }, (_, i) => heatColor(i / 255));
  const across = Array.from({ length: width }, (_, x) => between(x, width, map.columns));
  for (let y = 0; y < height; y += 1) {
    const down = between(y, height, map.rows);
    for (let x = 0; x < width; x += 1) {
      const heat = at(map, down, across[x] as Between);
      const byte = Math.round(255 * heat);
      pixels.set([...(colors[byte] as Rgb), byte], (y * width + x) * 4);
    }
  }
  return pixels;
}

/** A pixel's centre between the centres of two positions. */
interface Between {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

function between(pixel: number, pixels: number, positions: number): Between {
  const centre = Math.min(positions - 1, Math.max(0, ((pixel + 0.5) * positions) / pixels - 0.5));
  const low = Math.floor(centre);
  return { low, high: Math.min(positions - 1, low + 1), share: centre - low };
}

function at({ heat, columns }: HeatMap, row: Between, column: Between): number {
  const read = (r: number, c: number): number => heat[r * columns + c] ?? 0;
  const along = (r: number): number =>
    read(r, column.low) * (1 - column.share) + read(r, column.high) * column.share;
  return Math.min(1, Math.max(0, along(row.low) * (1 - row.share) + along(row.high) * row.share));
}

/** Sides of a canvas of the aspect of `width × height`, the longer one `side`. */
export function canvasSize(width: number, height: number, side: number): { width: number; height: number } {
  const scale = side / Math.max(width, height, 1);
  const scaled = (length: number): number => Math.max(1, Math.round(length * scale));
  return { width: scaled(width), height: scaled(height) };
}
