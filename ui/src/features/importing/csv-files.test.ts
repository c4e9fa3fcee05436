import { mount, tick, unmount } from 'svelte';
import { afterEach, expect, it } from 'vitest';
import { setLanguage } from '@/core/i18n/index.svelte';
import type { CsvFile } from '@/ipc/types';
import CsvFiles from './CsvFiles.svelte';
import { ImportFlow } from './flow.svelte';

const CELLS: CsvFile = {
  file: 'labels.csv',
  row_count: 120,
  found_count: 118,
  shape: 'one_column',
  class_column: 'tags',
  separator: 'semicolon',
  likely_separator: 'semicolon',
  unused_columns: ['width', 'comment'],
};
const MARKS: CsvFile = {
  ...CELLS,
  shape: 'column_per_class',
  class_column: null,
  separator: 'none',
  likely_separator: 'none',
  unused_columns: [],
};

let shown: ReturnType<typeof mount> | null = null;

function show(files: CsvFile[]): { flow: ImportFlow; text: () => string } {
  const flow = new ImportFlow();
  shown = mount(CsvFiles, { target: document.body, props: { flow, files } });
  return { flow, text: () => document.body.textContent ?? '' };
}

afterEach(async () => {
  if (shown) await unmount(shown);
  document.body.innerHTML = '';
  setLanguage('en');
});

it('says which column holds the classes, what stands between them and what is not used', async () => {
  const { flow, text } = show([CELLS]);
  expect(text()).toContain('120 rows, 118 with an image that is here');
  expect(text()).toContain('in the column “tags”');
  expect(text()).toContain('Columns not used: width, comment');
  const separator = document.querySelector('[data-testid="import-separator"]');
  expect(separator?.textContent).toContain('Found automatically: Semicolon');
  flow.separator = 'bar';
  await tick();
  expect(separator?.textContent).toContain('Bar ( | )');
});

it('asks for no separator where each class has a column, in either language', () => {
  setLanguage('zh-CN');
  const { text } = show([MARKS]);
  expect(text()).toContain('每个类别一列');
  expect(document.querySelector('[data-testid="import-separator"]')).toBeNull();
});

it('says so where cells look like several classes and are taken as one', () => {
  const unparted = (files: CsvFile[]): string | undefined => {
    show(files);
    return document.querySelector('[data-testid="import-unparted"]')?.textContent?.trim();
  };
  expect(unparted([{ ...CELLS, separator: 'none' }])).toContain('separated by: Semicolon');
  document.body.innerHTML = '';
  expect(unparted([{ ...CELLS, separator: 'none', likely_separator: 'comma' }])).toBeUndefined();
  document.body.innerHTML = '';
  expect(unparted([CELLS])).toBeUndefined();
});
