import { expect, it } from 'vitest';
import type { ImportPreview } from '@/ipc/types';
import { newImages } from './new-images';

const preview = (part: Partial<ImportPreview>): ImportPreview =>
  ({
    image_count: 300,
    duplicate_count: 0,
    existing_count: 0,
    several_classes_count: 0,
    no_class_count: 0,
    csv_files: [],
    broken_rows: { warnings: [] },
    ...part,
  }) as ImportPreview;

it('counts neither what is repeated nor what is there already', () => {
  expect(newImages(preview({}), false)).toBe(300);
  expect(newImages(preview({ duplicate_count: 4, existing_count: 12 }), false)).toBe(284);
  // 180 images, 120 of them in two folders, all in the dataset: nothing is new.
  expect(newImages(preview({ duplicate_count: 120, existing_count: 180 }), false)).toBe(0);
});

it('does not promise a number where images that are there can get one more class', () => {
  expect(newImages(preview({}), true)).toBe(300);
  expect(newImages(preview({ existing_count: 180, several_classes_count: 120 }), true)).toBeNull();
});
