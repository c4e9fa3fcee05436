import { align, type Curve } from './curve';

/** A field by RFC 4180: quoted when it holds a comma, a quote or a line break. A leading formula sign is defused. */
export function csvField(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(rows: readonly (readonly (string | number | null | undefined)[])[]): string {
  return rows.map((row) => row.map(csvField).join(',') + '\r\n').join('');
}

/** Every point of the curves, not only those drawn: first column x, then one a curve. */
export function curvesCsv(xLabel: string, curves: readonly (Curve & { label: string })[]): string {
  const { xs, columns } = align(curves);
  const header = [xLabel, ...curves.map((curve) => curve.label)];
  return csv([header, ...xs.map((x, row) => [x, ...columns.map((column) => column[row])])]);
}
