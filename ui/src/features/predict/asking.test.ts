import { beforeEach, expect, it } from 'vitest';
import { ApiError, type Picked } from '@/ipc/adapter';
import { useAdapter } from '@/ipc/client';
import { FakeAdapter } from '@/ipc/fake';
import { libraryOf } from '@/ipc/fake/library';
import { settingsOf } from '@/ipc/fake/presets';
import type { FakeDataset } from '@/ipc/fake/world';
import type { ModelVersion } from '@/ipc/types';
import { Asking } from './asking.svelte';

let fake: FakeAdapter;
let version: ModelVersion;
beforeEach(() => {
  useAdapter((fake = new FakeAdapter('')));
  const dataset = fake.world.datasets[0] as FakeDataset;
  version = libraryOf(fake.world).addVersion(dataset, 'tiles', settingsOf('fast'), 0.9, 0);
});

const paths: Picked = { kind: 'paths', paths: ['/pictures/a.jpg'] };
const files = (): Picked => ({
  kind: 'files',
  files: [{ file: new File(['x'], 'a.jpg'), relative_path: 'box/a.jpg' }],
});
const asked = (): unknown[] => fake.calls.filter((c) => c.name === 'model_predict').map((c) => c.request);

it('asks with paths in the window and with an upload in the browser', async () => {
  const asking = new Asking();
  await asking.add(paths, version.model_id, version.number);
  await asking.add(files(), version.model_id, version.number);
  expect(asked()).toEqual([
    { id: version.model_id, version: 1, paths: ['/pictures/a.jpg'] },
    { id: version.model_id, version: 1, upload_id: 'upload-1' },
  ]);
});

it('names files that are no images without bringing them, and says when there is no file', async () => {
  const asking = new Asking();
  const file = { file: new File(['x'], 'a.txt'), relative_path: 'box/a.txt' };
  await asking.add({ kind: 'files', files: [file] }, version.model_id, version.number);
  expect(asking.leftOut.map((left) => left.subject)).toEqual(['box/a.txt']);
  await asking.add({ kind: 'files', files: [] }, version.model_id, version.number);
  expect(asking.error?.code).toBe('invalid_input');
  expect(asked()).toEqual([]);
});

it('shows files of the machine by the ids that came with the answer', async () => {
  const prediction = { label: 'a', class_idx: 0, score: 1, probabilities: [], sample_id: null };
  const adapter = new FakeAdapter('');
  adapter.call = (() =>
    Promise.resolve({
      predictions: [
        { ...prediction, name: '/pictures/a.jpg', preview_id: '5eed' },
        { ...prediction, name: '/pictures/b.jpg' },
      ],
      left_out: { warnings: [] },
    })) as unknown as FakeAdapter['call'];
  useAdapter(adapter);
  const asking = new Asking();
  await asking.add(paths, version.model_id, version.number);
  const [first, second] = asking.answers;
  expect(first?.preview).toBe(adapter.mediaUrl('predictions/5eed/thumbnail?size=256'));
  expect(second?.preview).toBeNull();
  expect(first?.image).toEqual({ preview_id: '5eed' });
  expect(second?.image).toBeNull();
});

it('collects the answers and every file that was left out', async () => {
  const asking = new Asking();
  await asking.add(paths, version.model_id, version.number);
  await asking.add(paths, version.model_id, version.number);
  expect(asking.answers).toHaveLength(46);
  expect(new Set(asking.answers.map((a) => a.key)).size).toBe(46);
  expect(asking.leftOut.map((w) => w.subject)).toEqual(['notes.txt', 'notes.txt']);
});

it('names what the browser gave and the application did not look at', async () => {
  const asking = new Asking();
  const given = files();
  if (given.kind === 'files')
    given.files.push({ file: new File(['x'], 'b.doc'), relative_path: 'box/b.doc' });
  await asking.add(given, version.model_id, version.number);
  expect(asking.leftOut.map((w) => w.subject)).toContain('box/b.doc');
});

it('keeps earlier answers when the next question fails', async () => {
  const asking = new Asking();
  await asking.add(paths, version.model_id, version.number);
  fake.fail('model_predict', new ApiError('not_found', 'The weights are gone.'));
  await asking.add(paths, version.model_id, version.number);
  expect(asking.answers).toHaveLength(23);
  expect(asking.error?.message).toBe('The weights are gone.');
  expect(asking.busy).toBe(false);
});

it('asks another model about the same images', async () => {
  const asking = new Asking();
  await asking.add(paths, version.model_id, version.number);
  await asking.again(version.model_id, version.number);
  expect(asking.answers).toHaveLength(23);
  expect(asked()).toHaveLength(2);
  asking.clear();
  await asking.again(version.model_id, version.number);
  expect(asked()).toHaveLength(2);
});
