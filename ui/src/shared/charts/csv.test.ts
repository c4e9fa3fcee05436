import { expect, it } from 'vitest';
import { csv, csvField, curvesCsv } from './csv';

it('quotes what needs quoting', () => {
  expect(csvField('a,"b"')).toBe('"a,""b"""');
  expect(csvField('two\nlines')).toBe('"two\nlines"');
  expect(csvField(null)).toBe('');
  expect(csvField(-0.5)).toBe('-0.5');
});

it('defuses a file name that a spreadsheet would run', () => {
  expect(csvField('=HYPERLINK(1)')).toBe("'=HYPERLINK(1)");
});

it('writes a row a line', () => {
  expect(
    csv([
      ['a', 1],
      ['b', undefined],
    ]),
  ).toBe('a,1\r\nb,\r\n');
});

it('writes curves with holes where one has no point', () => {
  const text = curvesCsv('epoch', [
    { label: 'Train', xs: [0.5, 1], ys: [2, 1] },
    { label: 'Validation', xs: [1], ys: [3] },
  ]);
  expect(text).toBe('epoch,Train,Validation\r\n0.5,2,\r\n1,1,3\r\n');
});
