import { afterEach, expect, it } from 'vitest';
import { readKept } from './kept';

afterEach(() => localStorage.clear());

it('gives what was kept, and nothing for what cannot be read', () => {
  expect(readKept('a')).toBeNull();
  localStorage.setItem('a', '{"n":1}');
  expect(readKept('a')).toEqual({ n: 1 });
  localStorage.setItem('a', '{"n":');
  expect(readKept('a')).toBeNull();
});
