/** Key presses as text: `ctrl+shift+z`, `d`, `arrowleft`, `?`. Command counts as Control. */

export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

/** The name of a press. Shift is not named where it already changed the character (`?`, not `shift+?`). */
export function chord(press: KeyPress): string {
  const key = press.key === ' ' ? 'space' : press.key.toLowerCase();
  const parts: string[] = [];
  if (press.ctrlKey || press.metaKey) parts.push('ctrl');
  if (press.altKey) parts.push('alt');
  const letter = key.length > 1 || key.toUpperCase() !== key.toLowerCase();
  if (press.shiftKey && letter) parts.push('shift');
  parts.push(key);
  return parts.join('+');
}

/** The position in the class list of a digit key: `1`…`9` are the first nine, `0` is the tenth. */
export function classOfDigit(key: string): number | null {
  if (!/^[0-9]$/.test(key)) return null;
  return key === '0' ? 9 : Number(key) - 1;
}

/** The digit key of a position in the class list, or null beyond the tenth. */
export function digitOfClass(position: number): string | null {
  if (position < 0 || position > 9) return null;
  return position === 9 ? '0' : String(position + 1);
}
