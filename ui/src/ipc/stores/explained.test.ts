import { beforeEach, expect, it } from 'vitest';
import { ApiError } from '../adapter';
import { useAdapter } from '../client';
import { FakeAdapter } from '../fake';
import { libraryOf } from '../fake/library';
import { settingsOf } from '../fake/presets';
import type { FakeDataset } from '../fake/world';
import { Explained, type Question } from './explained.svelte';

let fake: FakeAdapter;
let question: Question;
beforeEach(() => {
  useAdapter((fake = new FakeAdapter('')));
  const dataset = fake.world.datasets[0] as FakeDataset;
  const version = libraryOf(fake.world).addVersion(dataset, 'tiles', settingsOf('fast'), 0.9, 0);
  const image = { sample_id: dataset.samples.id(3) };
  question = { model_id: version.model_id, version: version.number, image };
});
const asked = (): unknown[] => fake.calls.filter((c) => c.name === 'model_explain').map((c) => c.request);

it('asks once and remembers the answer', async () => {
  const [first, second] = [new Explained(), new Explained()];
  await first.ask(question);
  await second.ask({ ...question });
  expect(first.data?.heat).toHaveLength((first.data?.rows ?? 0) * (first.data?.columns ?? 0));
  expect(second.data).toEqual(first.data);
  expect(asked()).toHaveLength(1);
  expect(first.busy).toBe(false);
});

it('keeps the old map while another class of the same image is asked, and drops it for another image', async () => {
  const explained = new Explained();
  await explained.ask(question);
  const other = explained.ask({ ...question, class_idx: 1 });
  expect(explained.data?.class_idx).not.toBeUndefined();
  expect(explained.busy).toBe(true);
  await other;
  expect(explained.data?.class_idx).toBe(1);
  const next = explained.ask({ ...question, image: { preview_id: 'x' } });
  expect(explained.data).toBeUndefined();
  await next;
});

it('does not ask what nobody waits for any more', async () => {
  const explained = new Explained();
  const first = explained.ask({ ...question, class_idx: 0 });
  const second = explained.ask({ ...question, class_idx: 1 });
  await Promise.all([first, second]);
  expect(asked()).toHaveLength(1);
  expect(explained.data?.class_idx).toBe(1);
});

it('brings a file of the browser along', async () => {
  const file = { file: new File(['x'], 'a.jpg'), relative_path: 'a.jpg' };
  await new Explained().ask({ ...question, image: { file } });
  expect(asked()).toEqual([expect.objectContaining({ upload_id: 'upload-1' })]);
});

it('says what went wrong and goes on', async () => {
  const explained = new Explained();
  fake.fail('model_explain', new ApiError('not_found', 'The weights are gone.'));
  await explained.ask(question);
  expect(explained.error?.message).toBe('The weights are gone.');
  fake.fail('model_explain');
  await explained.ask({ ...question, class_idx: 1 });
  expect(explained.error).toBeUndefined();
  expect(explained.data?.class_idx).toBe(1);
});
