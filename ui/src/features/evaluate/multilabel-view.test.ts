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
  const dataset = fake.world.datasets.find((d) => d.name === 'boards') as FakeDataset;
  const library = libraryOf(fake.world);
  const version = library.addVersion(dataset, 'boards', settingsOf('fast'), 0.9, 0);
  judged = judge(dataset, version, 'train');
  library.evaluations.push(judged);
  const props = { evaluation: judged.wire, version, name: 'boards' };
  view = mount(EvaluationView, { target: document.body, props });
  await vi.waitFor(() => expect(Number(find('strip-count').textContent)).toBe(wrong()));
});
afterEach(async () => {
  await unmount(view);
  closeEvents();
});

const find = (testid: string): HTMLElement =>
  document.querySelector(`[data-testid="${testid}"]`) as HTMLElement;
const counts = () => judged.wire.summary.multilabel?.counts ?? [];
const wrong = (): number => counts().reduce((sum, c) => sum + c.false_negative + c.false_positive, 0);

it('has no confusion matrix, and numbers of several classes', () => {
  expect(document.querySelector('[data-testid="cell-0-0"]')).toBeNull();
  expect(find('evaluate-map')).not.toBeNull();
  expect(find('missed-0').textContent).toBe(String(counts()[0]?.false_negative));
});

it('opens the images that a class was missed on, or given to wrongly', async () => {
  find('missed-1').click();
  flushSync();
  expect(find('strip-count').textContent).toBe(String(counts()[1]?.false_negative));
  find('wrongly-1').click();
  flushSync();
  expect(find('strip-count').textContent).toBe(String(counts()[1]?.false_positive));
  const image = document.querySelector('[data-testid="strip-image"]');
  await vi.waitFor(() => expect(image?.getAttribute('href')).toMatch(/^#\/annotate\//));
  find('strip-all').click();
  flushSync();
  expect(find('strip-count').textContent).toBe(String(wrong()));
});

it('keeps a threshold for each class, and lists by it', () => {
  find('missed-0').click();
  flushSync();
  const slider = find('threshold-slider') as HTMLInputElement;
  slider.value = '1';
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
  const positives = judged.samples.filter((s) => s.actual_classes.includes(0)).length;
  expect(find('strip-count').textContent).toBe(String(positives));
  expect(find('threshold-escapes').textContent).toMatch(new RegExp(`^${positives} of ${positives}`));
  find('missed-1').click();
  flushSync();
  expect(slider.value).toBe('0.5');
});
