import { beforeEach, describe, expect, it } from 'vitest';
import { useAdapter } from '@/ipc/client';
import { FakeAdapter } from '@/ipc/fake';
import type { FakeDataset, FakeProject } from '@/ipc/fake/world';
import { isFiltered, sampleView } from '@/ipc/stores/sample-view.svelte';
import { workspace } from '@/ipc/stores/workspace.svelte';
import type { Label, Project } from '@/ipc/types';
import { Viewer } from './viewer.svelte';

let dataset: FakeDataset;
let project: Project;
let viewer: Viewer;

function label(i: number): Label {
  const found = dataset.labels[i];
  if (!found) throw new Error('no such label');
  return found;
}

beforeEach(() => {
  const fake = new FakeAdapter('');
  useAdapter(fake);
  [dataset] = fake.world.datasets as [FakeDataset];
  project = (fake.world.projects as [FakeProject, ...FakeProject[]])[0].wire;
  sampleView.open('');
  sampleView.open(dataset.id);
  viewer = new Viewer(false);
});

describe('walking', () => {
  it('begins at the sample of the address and goes both ways', async () => {
    await viewer.open(dataset.id, dataset.samples.id(40));
    expect(viewer.offset).toBe(40);
    await viewer.move(1);
    expect(viewer.sample?.id).toBe(dataset.samples.id(41));
    await viewer.move(-1);
    await viewer.move(-1);
    expect(viewer.sample?.id).toBe(dataset.samples.id(39));
    expect(sampleView.last_sample_id).toBe(dataset.samples.id(39));
  });

  it('stays at the ends', async () => {
    await viewer.open(dataset.id, null);
    await viewer.move(-1);
    expect(viewer.offset).toBe(0);
    await viewer.open(dataset.id, dataset.samples.id(516));
    await viewer.move(1);
    expect(viewer.offset).toBe(516);
  });

  it('lifts a filter that hides the sample it was sent to', async () => {
    const hidden = dataset.samples.at(0);
    sampleView.narrow({ label_ids: dataset.labels.filter((l) => l.id !== hidden.label_id).map((l) => l.id) });
    await viewer.open(dataset.id, hidden.id);
    expect(isFiltered(sampleView.filter)).toBe(false);
    expect(viewer.sample?.id).toBe(hidden.id);
  });

  it('says that a list is empty', async () => {
    sampleView.narrow({ search: 'no such name' });
    await viewer.open(dataset.id, null);
    expect(viewer.empty).toBe(true);
  });
});

describe('labelling', () => {
  it('goes on to the next unlabelled one, although the list moved up by one', async () => {
    sampleView.narrow({ state: 'unlabelled' });
    await viewer.open(dataset.id, null);
    const first = viewer.sample?.id ?? '';
    const second = (await viewer.pages.load(1))?.id;
    await viewer.setLabel(label(0));
    await viewer.refresh();
    expect(viewer.sample?.id).toBe(first);
    await viewer.move(1);
    expect(viewer.sample?.id).toBe(second);
  });

  it('advances by itself where a person wants that', async () => {
    viewer.advance = true;
    await viewer.open(dataset.id, dataset.samples.id(10));
    await viewer.setLabel(label(1));
    expect(viewer.offset).toBe(11);
    expect(dataset.samples.at(10).label_id).toBe(label(1).id);
  });

  it('adds and takes classes where an image may have several, and stays on it', async () => {
    workspace.project = { ...project, task: 'multilabel_classification' };
    viewer.advance = true;
    viewer.class_ids = dataset.labels.map((l) => l.id);
    await viewer.open(dataset.id, dataset.samples.id(10));
    await viewer.setLabel(null);
    expect(viewer.sample).toMatchObject({ label_ids: [], no_class: true });
    await viewer.setLabel(label(2));
    await viewer.setLabel(label(0));
    expect(viewer.offset).toBe(10);
    expect(viewer.sample?.label_ids).toEqual([label(0).id, label(2).id]);
    expect(dataset.samples.at(10).label_ids).toEqual([label(0).id, label(2).id]);
    await viewer.setLabel(label(0));
    expect(dataset.samples.at(10)).toMatchObject({ label_id: label(2).id, label_ids: [label(2).id] });
    workspace.project = null;
  });

  it('makes room for the next when the sample is deleted', async () => {
    await viewer.open(dataset.id, dataset.samples.id(10));
    await viewer.remove();
    await viewer.refresh();
    // The fake still knows a deleted sample by id; the list no longer holds it.
    await viewer.move(1);
    expect(viewer.sample?.id).toBe(dataset.samples.id(11));
  });
});
