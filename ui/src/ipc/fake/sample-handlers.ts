import { hasClass, toggled, withClass } from '@/core/classes';
import type { HistoryState, LabelMode, Sample } from '../types';
import { page, type Handlers } from './handlers';
import type { World } from './world';

const EMPTY = { label_ids: [], splits: [], no_split: false, search: '' };

type Part = Partial<Sample>;

/** Changes samples as one undoable step; `part` says what of each, once and for all. */
function change(world: World, ids: string[], part: (sample: Sample) => Part, op: string): HistoryState {
  const [first] = ids;
  if (first === undefined) return { undo: null, redo: null, kept: 0 };
  const dataset = world.ofSample(first);
  const before = ids.map((id) => dataset.samples.at(dataset.samples.index(id) ?? 0));
  const after = before.map(part);
  const apply = (values: Part[]): void => ids.forEach((id, i) => dataset.samples.change(id, values[i] ?? {}));
  const kept = before.map(({ label_id, label_ids, no_class, split }) => ({
    label_id,
    label_ids,
    no_class,
    split,
  }));
  const state = dataset.act({ op, count: ids.length, redo: () => apply(after), undo: () => apply(kept) });
  world.changed('sample', dataset.id, ids);
  return state;
}

function setLabel(world: World, ids: string[], label_id: string | null, mode: LabelMode): HistoryState {
  if (mode === 'set') return change(world, ids, () => withClass(label_id), 'set_label');
  const [first] = ids;
  const dataset = first === undefined ? null : world.ofSample(first);
  const samples = ids.flatMap((id) => dataset?.samples.at(dataset.samples.index(id) ?? 0) ?? []);
  const present = samples.every((sample) => hasClass(sample, label_id));
  const order = dataset?.labels.map((label) => label.id) ?? [];
  return change(world, ids, (sample) => toggled(sample, label_id, present, order), 'toggle_label');
}

/** Samples, their labels and the history. */
export const sampleHandlers: Handlers = {
  sample_window: (world, { dataset_id, filter, sort, offset = 0, limit }) => {
    const found = world
      .dataset(dataset_id)
      .samples.window(filter ?? EMPTY, sort ?? 'added', offset, limit ?? 100);
    return { total: found.total, offset, items: found.items };
  },
  sample_position: (world, { dataset_id, filter, sort, sample_id }) => ({
    offset: world.dataset(dataset_id).samples.position(filter ?? EMPTY, sort ?? 'added', sample_id),
  }),
  sample_get: (world, { id }) => {
    const { samples } = world.ofSample(id);
    return samples.at(samples.index(id) ?? 0);
  },
  samples_delete: (world, { sample_ids }) => {
    const [first] = sample_ids;
    if (first === undefined) return { undo: null, redo: null, kept: 0 };
    const dataset = world.ofSample(first);
    const state = dataset.act({
      op: 'samples_delete',
      count: sample_ids.length,
      redo: () => sample_ids.forEach((id) => dataset.samples.setGone(id, true)),
      undo: () => sample_ids.forEach((id) => dataset.samples.setGone(id, false)),
    });
    world.changed('sample', dataset.id, sample_ids);
    return state;
  },
  samples_set_label: (world, { sample_ids, label_id, mode }) =>
    setLabel(world, sample_ids, label_id ?? null, mode ?? 'set'),
  samples_set_split: (world, { sample_ids, split }) =>
    change(world, sample_ids, () => ({ split: split ?? null }), 'set_split'),
  dataset_split: (world, { id }) => {
    world.changed('sample', id);
    return world.dataset(id).facets().splits;
  },
  annotation_list: () => page([]),
  history_get: (world, { id }) => world.dataset(id).history(),
  history_undo: (world, { id }) => {
    const dataset = world.dataset(id);
    const step = dataset.done.pop();
    if (step) {
      step.undo();
      dataset.undone.push(step);
      world.changed('sample', id);
    }
    return dataset.history();
  },
  history_redo: (world, { id }) => {
    const dataset = world.dataset(id);
    const step = dataset.undone.pop();
    if (step) {
      step.redo();
      dataset.done.push(step);
      world.changed('sample', id);
    }
    return dataset.history();
  },
};
