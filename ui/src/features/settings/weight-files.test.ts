import { expect, it } from 'vitest';
import type { Picked } from '@/ipc/adapter';
import type { Weights } from '@/ipc/types';
import { areWeights, downloadedShare } from './weight-files';

const paths = (...names: string[]): Picked => ({ kind: 'paths', paths: names });

it.each([
  [paths('/a/resnet18.SAFETENSORS'), true],
  [paths('/a/x.pth', '/a/y.pt'), true],
  [paths('/a/x.pth', '/a/photo.jpg'), false],
  [paths('/a/pth'), false],
  [paths(), false],
])('tells weight files from everything else %#', (picked, is) => expect(areWeights(picked)).toBe(is));

it('knows files of a browser by the name they had', () => {
  const file = new File([], 'x');
  expect(areWeights({ kind: 'files', files: [{ file, relative_path: 'net.safetensors' }] })).toBe(true);
});

it('says how much is here once the size is known', () => {
  const of = (size_bytes: number | null, downloaded_bytes: number): number | null =>
    downloadedShare({ size_bytes, downloaded_bytes } as Weights);
  expect(of(200, 50)).toBe(0.25);
  expect(of(null, 50)).toBeNull();
  expect(of(40, 50)).toBe(1);
});
