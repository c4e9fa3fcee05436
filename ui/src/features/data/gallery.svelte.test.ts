import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiError } from '@/ipc/adapter';
import { useAdapter } from '@/ipc/client';
import { FakeAdapter } from '@/ipc/fake';
import type { FakeDataset } from '@/ipc/fake/world';
import { EMPTY_FILTER } from '@/ipc/stores/sample-view.svelte';
import { workspace } from '@/ipc/stores/workspace.svelte';
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

describe('several classes an image', () => {
  const classes = async (offset: number): Promise<string[]> => {
    const { label_ids } = await sample(offset);
    return label_ids.map((id) => dataset.labels.find((l) => l.id === id)?.name ?? '');
  };
  const said = (offset: number): Sample => dataset.samples.at(offset);

  beforeEach(() => {
    dataset = fake.world.datasets.find((d) => d.name === 'boards') as FakeDataset;
    workspace.project = fake.world.projects.find((p) => p.wire.name === 'Circuit boards')?.wire ?? null;
    gallery.class_ids = dataset.labels.map((l) => l.id);
    gallery.open(dataset.id, { dataset_id: dataset.id, filter: EMPTY_FILTER, sort: 'added' });
  });
  afterEach(() => (workspace.project = null));

  it('adds a class to all that lack it, then takes it from all, each as one step', async () => {
    await click(0);
    await click(5, false, true);
    const before = [0, 1, 2, 3, 4, 5].map((i) => said(i).label_ids);
    const id = label('Dirt').id;
    expect(before.every((ids) => ids.includes(id))).toBe(false);
    await gallery.setLabel(label('Dirt'));
    for (let i = 0; i <= 5; i += 1) {
      expect(said(i).label_ids).toContain(id);
      expect(said(i).label_ids.filter((other) => other !== id)).toEqual(
        before[i]?.filter((other) => other !== id),
      );
    }
    expect(toasts().at(-1)?.text).toBe('Dirt added to 6 samples');
    await gallery.setLabel(label('Dirt'));
    expect([0, 1, 2, 3, 4, 5].some((i) => said(i).label_ids.includes(id))).toBe(false);
    expect(dataset.done).toHaveLength(2);
    await gallery.history('undo');
    await gallery.history('undo');
    expect([0, 1, 2, 3, 4, 5].map((i) => said(i).label_ids)).toEqual(before);
  });

  it('shows the classes before the answer', async () => {
    await click(2);
    await gallery.setLabel(null);
    const working = gallery.setLabel(label('Scratch'));
    expect(gallery.pages.at(2)?.label_ids).toEqual([label('Scratch').id]);
    await working;
    await gallery.setLabel(label('Dirt'));
    expect(await classes(2)).toEqual(['Scratch', 'Dirt']);
  });

  it('says that an image shows none of them, which is not the same as saying nothing', async () => {
    await click(1);
    await gallery.setLabel(label('Dirt'));
    if (!said(1).label_ids.includes(label('Dirt').id)) await gallery.setLabel(label('Dirt'));
    await gallery.setLabel(null);
    expect(said(1)).toMatchObject({ label_id: null, label_ids: [], no_class: true });
    await gallery.setLabel(null);
    expect(said(1).no_class).toBe(false);
    await gallery.setLabel(null);
    await gallery.setLabel(label('Scratch'));
    expect(said(1)).toMatchObject({ label_ids: [label('Scratch').id], no_class: false });
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

it('offers to undo only what an undo would take back', async () => {
  await click(1);
  await gallery.remove();
  const offers = (): number => toasts().filter((t) => t.action).length;
  expect(offers()).toBe(1);
  await gallery.history('undo');
  expect(offers()).toBe(0);
});

it('says when there is nothing to undo', async () => {
  await gallery.history('undo');
  expect(toasts().at(-1)?.kind).toBe('info');
});
