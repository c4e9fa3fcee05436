import { afterEach, expect, it } from 'vitest';
import { setLanguage } from '@/core/i18n/index.svelte';
import { otherProgramsText } from './other-programs';

afterEach(() => setLanguage('en'));

const GB = 1024 ** 3;
const program = (
  pid: number,
  name: string | null,
  gb: number | null,
): { pid: number; name: string | null; memory_bytes: number | null } => ({
  pid,
  name,
  memory_bytes: gb === null ? null : gb * GB,
});

it('says nothing of none, and nothing where nobody knows', () => {
  expect(otherProgramsText([])).toBeNull();
  expect(otherProgramsText(null)).toBeNull();
});

it('names one program and what it uses', () => {
  const named = [program(4100, 'python3', 5.2)];
  expect(otherProgramsText(named)).toBe('Another program (python3) uses 5.2 GB of this card.');
  expect(otherProgramsText([program(4100, null, 5.2)])).toBe(
    'Another program (process 4100) uses 5.2 GB of this card.',
  );
  setLanguage('zh-CN');
  expect(otherProgramsText(named)).toBe('另一个程序（python3）占用此卡 5.2 GB 显存。');
});

it('never calls memory that is unknown none', () => {
  expect(otherProgramsText([program(1, 'dwm.exe', null)])).toContain('does not say how much');
  const two = [program(1, 'dwm.exe', null), program(2, 'game.exe', null)];
  const text = otherProgramsText(two);
  expect(text).toBe(
    '2 other programs use this card: dwm.exe, game.exe. The driver does not say how much of it.',
  );
  expect(text).not.toContain('0 B');
});

it('sums several and names the largest', () => {
  const four = [
    program(1, 'python3', 4),
    program(2, 'blender', 2),
    program(3, null, 0.5),
    program(4, 'Xorg', 0.2),
  ];
  expect(otherProgramsText(four)).toBe(
    '4 other programs use 6.7 GB of this card: python3 4.0 GB, blender 2.0 GB, process 3 512 MB and more.',
  );
});
