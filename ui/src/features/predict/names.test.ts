import { expect, it } from 'vitest';
import { baseName, fileOf, isImageName, shownName } from './names';

const files = [{ relative_path: 'a.jpg' }, { relative_path: 'box/a.jpg' }, { relative_path: 'box/b.jpg' }];

it('finds the file that was kept elsewhere, by the longest path', () => {
  expect(fileOf('/lib/cache/uploads/7/box/a.jpg', files)).toBe(files[1]);
  expect(fileOf('/lib/cache/uploads/7/a.jpg', files)).toBe(files[0]);
  expect(fileOf('C:\\lib\\uploads\\7\\box\\b.jpg', files)).toBe(files[2]);
  expect(fileOf('a.jpg', files)).toBe(files[0]);
});

it('does not take a name that only ends alike', () => {
  expect(fileOf('/uploads/extra-a.jpg', files)).toBeUndefined();
});

it('shows what a person calls it', () => {
  expect(shownName('/lib/uploads/7/box/a.jpg', files)).toBe('box/a.jpg');
  expect(shownName('/home/anna/tiles/x.png', [])).toBe('x.png');
  expect(baseName('C:\\tiles\\x.png')).toBe('x.png');
  expect(baseName('')).toBe('');
});

it('knows images by their ending', () => {
  expect(['a.JPG', 'x/b.tiff', 'c.tar.png'].every(isImageName)).toBe(true);
  expect(['notes.txt', 'jpg', 'a.png/readme'].some(isImageName)).toBe(false);
});
