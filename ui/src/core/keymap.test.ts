import { describe, expect, it } from 'vitest';
import { chord, classOfDigit, digitOfClass, type KeyPress } from './keymap';

const press = (key: string, held: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...held,
});

describe('chord', () => {
  it('names modifiers in one order', () => {
    expect(chord(press('Z', { ctrlKey: true, shiftKey: true }))).toBe('ctrl+shift+z');
    expect(chord(press('ArrowLeft', { shiftKey: true }))).toBe('shift+arrowleft');
  });

  it('takes Command for Control', () => {
    expect(chord(press('k', { metaKey: true }))).toBe('ctrl+k');
  });

  it('leaves Shift out where it made the character', () => {
    expect(chord(press('?', { shiftKey: true }))).toBe('?');
    expect(chord(press('F', { shiftKey: true }))).toBe('shift+f');
  });

  it('names the space bar', () => expect(chord(press(' '))).toBe('space'));
});

describe('digits', () => {
  it('1 is the first class, 0 the tenth', () => {
    expect(classOfDigit('1')).toBe(0);
    expect(classOfDigit('9')).toBe(8);
    expect(classOfDigit('0')).toBe(9);
    expect(classOfDigit('a')).toBeNull();
    expect(classOfDigit('F1')).toBeNull();
  });

  it('is its own inverse', () => {
    for (let i = 0; i < 10; i += 1) expect(classOfDigit(digitOfClass(i) ?? '')).toBe(i);
    expect(digitOfClass(10)).toBeNull();
  });
});
