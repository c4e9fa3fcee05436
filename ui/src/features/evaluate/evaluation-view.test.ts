import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { useAdapter } from '@/ipc/client';
import { closeEvents } from '@/ipc/events';
import { FakeAdapter } from '@/ipc/fake';
import { judge } from '@/ipc/fake/judge';
import { libraryOf } from '@/ipc/fake/library';
import { settingsOf } from '@/ipc/fake/presets';
import type { FakeDataset } from '@/ipc/fake/world';
import EvaluationView from './EvaluationView.svelte';

let view: ReturnType<typeof mount>;
let judged: ReturnType<typeof judge>;

beforeEach(async () => {
  const fake = new FakeAdapter('');
  useAdapter(fake);
  const dataset = fake.world.datasets[0] as FakeDataset;
  const library = libraryOf(fake.world);
  const version = library.addVersion(dataset, 'tiles', settingsOf('fast'), 0.9, 0);
  judged = judge(dataset, version, 'train');
  library.evaluations.push(judged);
  view = mount(EvaluationView, {
    target: document.body,
    props: { evaluation: judged.wire, version, name: 'tiles' },
  });
  await vi.waitFor(() => expect(strip()).toHaveLength(mistakes()));
});
afterEach(async () => {
  await unmount(view);
  closeEvents();
});

const find = (testid: string): HTMLElement =>
  document.querySelector(`[data-testid="${testid}"]`) as HTMLElement;
const strip = (): NodeListOf<Element> => document.querySelectorAll('[data-testid="strip-image"]');
const mistakes = (): number => judged.samples.filter((s) => s.actual !== s.predicted).length;

function press(key: string): void {
  document.activeElement?.dispatchEvent(
    new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }),
  );
  flushSync();
}

it('fills the strip with the images of a cell, and with all mistakes again', async () => {
  const [actual, predicted] = [1, 0];
  const count = judged.wire.summary.confusion[actual]?.[predicted] ?? 0;
  expect(count).toBeGreaterThan(0);
  find(`cell-${actual}-${predicted}`).click();
  flushSync();
  expect(strip()).toHaveLength(count);
  expect(find('strip-count').textContent).toBe(String(count));
  await vi.waitFor(() => expect(strip()[0]?.getAttribute('href')).toMatch(/^#\/annotate\//));
  find('strip-all').click();
  flushSync();
  expect(strip()).toHaveLength(mistakes());
});

it('is walked with the arrow keys from one stop of the tab order', () => {
  const cells = [...document.querySelectorAll('[data-at]')] as HTMLElement[];
  expect(cells.filter((cell) => cell.tabIndex === 0)).toHaveLength(1);
  find('cell-0-0').focus();
  press('ArrowRight');
  press('ArrowDown');
  expect(document.activeElement).toBe(find('cell-1-1'));
});

it('moves escapes and overkill with the threshold', () => {
  const slider = find('threshold-slider') as HTMLInputElement;
  const set = (value: string): void => {
    slider.value = value;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    flushSync();
  };
  const positives = judged.samples.filter((s) => s.actual === 0).length;
  set('0');
  expect(find('threshold-escapes').textContent).toMatch(/^0 of/);
  set('1');
  expect(find('threshold-escapes').textContent).toMatch(new RegExp(`^${positives} of ${positives}`));
  expect(find('threshold-overkill').textContent).toMatch(/^0 of/);
});
