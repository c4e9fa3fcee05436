import { random } from './random';

/** A made-up photograph as an SVG: a textured surface with, by class, a hole, a break or nothing. */
export function picture(seed: number, kind: number, width: number, height: number): string {
  const r = random(seed + 1);
  const grey = 52 + Math.floor(r() * 40);
  const streaks = Array.from({ length: 9 }, () => {
    const x = r() * 100;
    const tone = r() > 0.5 ? '#fff' : '#000';
    return `<rect x="${x.toFixed(1)}" y="0" width="${(0.5 + r() * 5).toFixed(1)}" height="100" fill="${tone}" opacity="${(r() * 0.08).toFixed(2)}"/>`;
  }).join('');
  const [x, y] = [25 + r() * 50, 25 + r() * 50];
  const flaw =
    kind === 0
      ? `<ellipse cx="${x}" cy="${y}" rx="${3 + r() * 3}" ry="${2 + r() * 2}" fill="#111" opacity=".85"/>`
      : kind === 1
        ? `<path d="M${x} ${y - 18}l${r() * 6} 14 -5 9 6 16" stroke="#0c0c0c" stroke-width="1.800" fill="none" opacity=".8"/>`
        : '';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" preserveAspectRatio="none" width="${width}" height="${height}"><rect width="100" height="100" fill="rgb(${grey},${grey},${grey + 2})"/>${streaks}${flaw}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** A made-up mask over the flaw. */
export function maskPicture(width: number, height: number): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" preserveAspectRatio="none" width="${width}" height="${height}"><ellipse cx="50" cy="50" rx="16" ry="11" fill="#ff5c8a" opacity=".45"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
