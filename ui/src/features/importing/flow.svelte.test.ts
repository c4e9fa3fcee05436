import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, type Picked } from '@/ipc/adapter';
import { useAdapter } from '@/ipc/client';
import { FakeAdapter } from '@/ipc/fake';
import { workspace } from '@/ipc/stores/workspace.svelte';
import { ImportFlow, nameOf, NEW_DATASET } from './flow.svelte';

let fake: FakeAdapter;
let flow: ImportFlow;
const dropped: Picked = { kind: 'paths', paths: ['/pictures/tiles'] };
const request = (name: string): unknown => fake.calls.find((c) => c.name === name)?.request;

beforeEach(() => {
  fake = new FakeAdapter('');
  useAdapter(fake);
  workspace.project = null;
  workspace.dataset = null;
  workspace.datasets = [];
  flow = new ImportFlow();
});

describe('an import', () => {
  it('shows what was found before anything is imported', async () => {
    const id = fake.world.datasets[0]?.id ?? '';
    flow.begin({ picked: dropped, dataset_id: id });
    await vi.waitFor(() => expect(flow.stage).toBe('preview'));
    expect(flow.preview?.image_count).toBe(523);
    expect(request('import_preview')).toMatchObject({ id, path: '/pictures/tiles' });
    expect(request('import_start')).toBeUndefined();
  });

  it('says that an empty folder holds nothing, and asks nothing', async () => {
    flow.begin({ picked: { kind: 'files', files: [] }, dataset_id: fake.world.datasets[0]?.id ?? '' });
    await vi.waitFor(() => expect(flow.error).toBeInstanceOf(ApiError));
    expect(flow.stage).toBe('choose');
    expect(request('import_preview')).toBeUndefined();
  });

  it('runs as a job', async () => {
    const id = fake.world.datasets[0]?.id ?? '';
    flow.begin({ picked: dropped, dataset_id: id });
    await vi.waitFor(() => expect(flow.stage).toBe('preview'));
    await flow.start();
    expect(flow.stage).toBe('run');
    expect(flow.job?.kind).toBe('import');
    expect(request('import_start')).toMatchObject({ options: { split: { train: 0.7 }, split_seed: 42 } });
    await flow.cancel();
  });

  it('asks again with what stands between the classes of a cell, and imports so', async () => {
    const id = fake.world.datasets[0]?.id ?? '';
    flow.begin({ picked: { kind: 'paths', paths: ['/pictures/labels.csv'] }, dataset_id: id });
    await vi.waitFor(() => expect(flow.stage).toBe('preview'));
    expect(request('import_preview')).toMatchObject({ options: { class_separator: 'auto' } });
    flow.separator = 'bar';
    await flow.look();
    await flow.start();
    expect(request('import_start')).toMatchObject({ options: { class_separator: 'bar' } });
    await flow.cancel();
    flow.begin({ picked: null });
    expect(flow.separator).toBe('auto');
  });

  it('makes a dataset named after the folder, and takes it away again when given up', async () => {
    const before = fake.world.datasets.length;
    flow.begin({ picked: dropped });
    expect(flow.dataset_id).toBe(NEW_DATASET);
    await vi.waitFor(() => expect(flow.stage).toBe('preview'));
    expect(fake.world.datasets.at(-1)?.name).toBe('tiles');
    await flow.close();
    expect(fake.world.datasets).toHaveLength(before);
  });

  it('never takes away a dataset that an import was started into', async () => {
    flow.begin({ picked: dropped });
    await vi.waitFor(() => expect(flow.stage).toBe('preview'));
    await flow.start();
    flow.begin({ picked: null });
    await flow.close();
    expect(request('dataset_delete')).toBeUndefined();
  });

  it('sends files of a browser over first', async () => {
    const files = [{ file: new File(['x'], 'a.jpg'), relative_path: 'Free/a.jpg' }];
    flow.begin({ picked: { kind: 'files', files }, dataset_id: fake.world.datasets[0]?.id });
    await vi.waitFor(() => expect(flow.stage).toBe('preview'));
    expect(request('import_preview')).toMatchObject({ upload_id: 'upload-1' });
  });

  it('keeps an error on screen', async () => {
    fake.fail('import_preview', new ApiError('not_found', 'There is no such folder.'));
    flow.begin({ picked: dropped, dataset_id: fake.world.datasets[0]?.id });
    await vi.waitFor(() => expect(flow.error).toMatchObject({ code: 'not_found' }));
  });
});

describe('nameOf', () => {
  const file = new File([], 'a.jpg');
  it.each<[Picked, string]>([
    [{ kind: 'paths', paths: ['/a/tiles'] }, 'tiles'],
    [{ kind: 'paths', paths: ['C:\\Users\\anna\\tiles\\'] }, 'tiles'],
    [{ kind: 'paths', paths: ['/a/one.jpg'] }, 'one'],
    [{ kind: 'files', files: [{ file, relative_path: 'tiles/Free/a.jpg' }] }, 'tiles'],
    [{ kind: 'files', files: [{ file, relative_path: 'a.jpg' }] }, ''],
  ])('%o', (picked, name) => expect(nameOf(picked)).toBe(name));
});
