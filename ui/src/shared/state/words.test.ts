import { afterEach, expect, it } from 'vitest';
import { setLanguage } from '@/core/i18n/index.svelte';
import { jobTitle } from './words';

afterEach(() => setLanguage('en'));

it('writes the split at the end of an evaluation’s title as the language does', () => {
  const job = { kind: 'evaluate', title: 'Cells-resnet18@1 · test', params: { split: 'test' } };
  expect(jobTitle(job)).toBe('Cells-resnet18@1 · Test');
  setLanguage('zh-CN');
  expect(jobTitle(job)).toBe('Cells-resnet18@1 · 测试');
});

it('leaves every other title alone', () => {
  setLanguage('zh-CN');
  expect(jobTitle({ kind: 'train', title: 'Cells · test' })).toBe('Cells · test');
  expect(jobTitle({ kind: 'evaluate', title: 'Renamed', params: { split: 'test' } })).toBe('Renamed');
  expect(jobTitle({ kind: 'evaluate', title: 'a · test', params: null })).toBe('a · test');
});
