import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../adapter';
import { useAdapter } from '../client';
import { closeEvents } from '../events';
import { FakeAdapter } from '../fake';
import { concerns } from '../query.svelte';
import type { AppEvent, Job } from '../types';
import { isFinal, jobs, progressShare } from './jobs.svelte';
import { SamplePages } from './sample-pages.svelte';
import { EMPTY_FILTER, isFiltered, sampleView } from './sample-view.svelte';

let fake: FakeAdapter;
const at = <T>(list: readonly T[], i: number): T => {
  const item = list[i];
  if (item === undefined) throw new Error(`nothing at ${String(i)}`);
  return item;
};

beforeEach(() => {
  fake = new FakeAdapter('');
  useAdapter(fake);
});
afterEach(() => {
  jobs.stop();
  closeEvents();
});

const asked = (): number => fake.calls.filter((c) => c.name === 'sample_window').length;
const big = (): string =>
  at(
    fake.world.datasets.filter((d) => d.name === 'line-4'),
    0,
  ).id;

describe('SamplePages', () => {
  const open = (dataset_id: string): SamplePages => {
    const pages = new SamplePages();
    pages.open({ dataset_id, filter: EMPTY_FILTER, sort: 'added' });
    return pages;
  };

  it('reads what is needed once, far into a million', async () => {
    const pages = open(big());
    pages.need(700_000, 700_050);
    pages.need(700_010, 700_060);
    await vi.waitFor(() => expect(pages.at(700_049)).toBeDefined());
    expect(pages.total).toBe(1_000_000);
    // The first page (for the total) and the one in view.
    expect(asked()).toBe(2);
    expect(pages.at(500)).toBeUndefined();
  });

  it('keeps what is on screen until it has been read again', async () => {
    const pages = open(big());
    await pages.load(0);
    pages.invalidate();
    expect(pages.at(0)).toBeDefined();
    pages.need(0, 10);
    await vi.waitFor(() => expect(asked()).toBe(2));
  });

  it('gives ids across pages', async () => {
    const pages = open(big());
    const ids = await pages.ids(150, 450);
    expect(ids).toHaveLength(300);
    expect(new Set(ids).size).toBe(300);
    expect(ids[0]).toBe((await pages.load(150))?.id);
  });

  it('forgets old pages of a long walk', async () => {
    const pages = open(big());
    for (let page = 0; page < 70; page += 1) await pages.load(page * 200);
    expect(pages.at(0)).toBeUndefined();
    expect(pages.at(69 * 200)).toBeDefined();
  });

  it('does not mix in the late answer of another list', async () => {
    const pages = open(big());
    pages.open({ dataset_id: at(fake.world.datasets, 0).id, filter: EMPTY_FILTER, sort: 'added' });
    await vi.waitFor(() => expect(pages.loading).toBe(false));
    expect(pages.total).toBe(517);
    expect(pages.at(0)?.dataset_id).toBe(at(fake.world.datasets, 0).id);
  });

  it('says an error once and tries again when asked to', async () => {
    fake.fail('sample_window', new ApiError('io', 'the disk is gone'));
    const pages = open(big());
    await vi.waitFor(() => expect(pages.error?.code).toBe('io'));
    pages.need(0, 10);
    expect(asked()).toBe(1);
    fake.fail('sample_window');
    pages.invalidate();
    await vi.waitFor(() => expect(pages.total).toBe(1_000_000));
    expect(pages.error).toBeUndefined();
  });

  it('shows a change before it is confirmed', async () => {
    const pages = open(big());
    const sample = await pages.load(3);
    pages.patch(new Set([sample?.id ?? '']), { label_id: 'x' });
    expect(pages.at(3)?.label_id).toBe('x');
    expect(pages.at(4)?.label_id).not.toBe('x');
  });
});

const job = (part: Partial<Job>): Job => ({
  id: 'j',
  kind: 'import',
  state: 'running',
  title: '',
  project_id: null,
  dataset_id: null,
  progress: { done: 5, total: 20, unit: '', phase: '', remaining_ms: null, epoch: 0, epochs: 0 },
  params: {},
  result: null,
  error: null,
  created_ms: 1,
  started_ms: 1,
  ended_ms: null,
  ...part,
});

describe('jobs', () => {
  it('shows the running one before those that wait', () => {
    jobs.take(job({ id: 'a', state: 'queued', created_ms: 3 }));
    jobs.take(job({ id: 'b', state: 'running', created_ms: 2 }));
    jobs.take(job({ id: 'c', state: 'succeeded', created_ms: 4 }));
    expect(jobs.current?.id).toBe('b');
    expect(jobs.active).toHaveLength(2);
    expect(jobs.all.map((j) => j.id)).toEqual(['c', 'a', 'b']);
  });

  it('tells an end once', () => {
    const ended = vi.fn();
    const stop = jobs.onEnded(ended);
    jobs.take(job({}));
    jobs.take(job({ state: 'failed' }));
    jobs.take(job({ state: 'failed' }));
    stop();
    expect(ended).toHaveBeenCalledOnce();
  });

  it('knows how far it is', () => {
    expect(progressShare(job({}))).toBe(0.25);
    expect(progressShare(job({ progress: { ...job({}).progress, total: 0 } }))).toBeNull();
    expect(isFinal(job({ state: 'interrupted' }))).toBe(false);
  });
});

describe('events', () => {
  it('concern what was read from those entities of that dataset', () => {
    const changed: AppEvent = { kind: 'changed', entity: 'sample', ids: [], dataset_id: 'd' };
    expect(concerns(changed, ['sample'], 'd')).toBe(true);
    expect(concerns(changed, ['sample'], 'other')).toBe(false);
    expect(concerns(changed, ['model'])).toBe(false);
    expect(concerns({ kind: 'lagged' }, [])).toBe(true);
  });
});

describe('sampleView', () => {
  it('begins unfiltered with another dataset and keeps its filter with the same', () => {
    sampleView.open('one');
    sampleView.narrow({ search: 'x' });
    sampleView.open('one');
    expect(isFiltered(sampleView.filter)).toBe(true);
    sampleView.open('two');
    expect(isFiltered(sampleView.filter)).toBe(false);
  });
});
