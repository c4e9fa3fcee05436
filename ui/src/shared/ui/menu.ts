import type { IconName } from './icons';

export interface MenuItem {
  label: string;
  /** A second, quieter line. */
  hint?: string;
  icon?: IconName;
  keys?: string;
  checked?: boolean;
  disabled?: boolean;
  danger?: boolean;
  testid?: string;
  run: () => void;
}

/** An entry, or a line between groups. */
export type MenuEntry = MenuItem | 'line';
