import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiError } from '@/ipc/adapter';
import { useAdapter } from '@/ipc/client';
import { FakeAdapter } from '@/ipc/fake';
import type { FakeDataset } from '@/ipc/fake/world';
import { EMPTY_FILTER } from '@/ipc/stores/sample-view.svelte';
import type { Label, Sample } from '@/ipc/types';
import { dismiss, toasts } from '@/shared/state/toasts.svelte';
import { Gallery } from './gallery.svelte';

let fake: FakeAdapter;
let dataset: FakeDataset;
let gallery: Gallery;

async function sample(offset: number): Promise<Sample> {
  const found = await gallery.pages.load(offset);
  if (!found) throw new Error('no such sample');
  return found;
}

function label(name: string): Label {
  const found = dataset.labels.find((l) => l.name === name);
  if (!found) throw new Error('no such label');
  return found;
}

const stored = (id: string): string | null => dataset.samples.at(dataset.samples.index(id) ?? -1).label_id;
const click = async (offset: number, ctrl = false, shift = false): Promise<void> =>
  gallery.click(await sample(offset), offset, { ctrl, shift });

beforeEach(() => {
  fake = new FakeAdapter('');
  useAdapter(fake);
  [dataset] = fake.world.datasets as [FakeDataset];
  gallery = new Gallery();
  gallery.open(dataset.id, { dataset_id: dataset.id, filter: EMPTY_FILTER, sort: 'added' });
});
afterEach(() => toasts().forEach((t) => dismiss(t.id)));

describe('selecting', () => {
  it('clicks, Ctrl-clicks and Shift-clicks', async () => {
    await click(3);
    await click(6, true);
    expect(gallery.selection.ids.size).toBe(2);
    await click(9, false, true);
    expect([...gallery.selection.ids]).toEqual(await gallery.pages.ids(6, 10));
    await click(3);
    expect(gallery.selection.ids.size).toBe(1);
  });

  it('selects all, also what was never on screen', async () => {
    await gallery.selectAll();
    expect(gallery.selection.ids.size).toBe(517);
  });

  it('Shift with an arrow grows the selection from where it began', async () => {
    await click(5);
    await gallery.moveTo(6, true);
    await gallery.moveTo(7, true);
    expect(gallery.selection.ids.size).toBe(3);
    await gallery.moveTo(8, false);
    expect([...gallery.selection.ids]).toEqual([(await sample(8)).id]);
  });
});

describe('labelling', () => {
  it('sets the class of all selected as one step, and takes it back', async () => {
    await click(0);
    await click(3, false, true);
    const ids = [...gallery.selection.ids];
    const before = ids.map(stored);
    await gallery.setLabel(label('Break'));
    expect(ids.map(stored)).toEqual(ids.map(() => label('Break').id));
    expect(dataset.done).toHaveLength(1);
    await gallery.history('undo');
    expect(ids.map(stored)).toEqual(before);
    await gallery.history('redo');
    expect(ids.map(stored)).toEqual(ids.map(() => label('Break').id));
  });

  it('shows the class before the answer, and offers the way back', async () => {
    await click(2);
    const [id] = [...gallery.selection.ids];
    const working = gallery.setLabel(label('Break'));
    expect(gallery.pages.at(2)?.label_id).toBe(label('Break').id);
    await working;
    expect(stored(id ?? '')).toBe(label('Break').id);
    expect(toasts().at(-1)?.action).toBeDefined();
  });

  it('says what failed and reads again', async () => {
    await click(2);
    fake.fail('samples_set_label', new ApiError('disk_full', 'The disk is full; nothing was changed.'));
    await gallery.setLabel(null);
    expect(toasts().at(-1)).toMatchObject({ kind: 'bad', text: 'The disk is full; nothing was changed.' });
    expect(dataset.done).toHaveLength(0);
    const asked = fake.calls.length;
    gallery.pages.need(0, 10);
    expect(fake.calls.length).toBe(asked + 1);
  });

  it('asks nothing without a selection', async () => {
    const asked = fake.calls.length;
    await gallery.setLabel(label('Break'));
    await gallery.remove();
    expect(fake.calls.length).toBe(asked);
  });
});

it('deletes what is selected and forgets the selection', async () => {
  await click(1);
  await gallery.remove();
  expect(dataset.samples.total).toBe(516);
  expect(gallery.selection.ids.size).toBe(0);
  await gallery.history('undo');
  expect(dataset.samples.total).toBe(517);
});

it('says when there is nothing to undo', async () => {
  await gallery.history('undo');
  expect(toasts().at(-1)?.kind).toBe('info');
});
