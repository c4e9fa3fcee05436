import { ApiError } from '../adapter';
import type { ImportPreview, Job, JobKind } from '../types';
import { page, type Handlers } from './handlers';
import { newId } from './random';
import { FakeDataset, type World } from './world';

export function makeJob(
  world: World,
  kind: JobKind,
  title: string,
  dataset_id: string | null,
  total: number,
): Job {
  const project = world.projects.find((p) => dataset_id && p.dataset_ids.includes(dataset_id));
  return world.job({
    id: newId(),
    kind,
    state: 'running',
    title,
    project_id: project?.wire.id ?? null,
    dataset_id,
    progress: { done: 0, total, unit: 'images', phase: '', remaining_ms: null, epoch: 0, epochs: 0 },
    params: {},
    result: null,
    error: null,
    created_ms: Date.now(),
    started_ms: Date.now(),
    ended_ms: null,
  });
}

function job(world: World, id: string): Job {
  const found = world.jobs.find((j) => j.id === id);
  if (!found) throw new ApiError('not_found', 'There is no such job.');
  return found;
}

/** Lets a job move by tenths until it is done; `finish` makes its result. */
export function run(world: World, id: string, tick_ms: number, finish: () => unknown): void {
  const timer = setInterval(() => {
    const now = job(world, id);
    if (now.state === 'paused') return;
    if (now.state !== 'running') return clearInterval(timer);
    const done = Math.min(now.progress.total, now.progress.done + Math.ceil(now.progress.total / 10));
    const ended = done >= now.progress.total;
    if (ended) clearInterval(timer);
    const remaining_ms = ((now.progress.total - done) / Math.max(1, now.progress.total)) * tick_ms * 10;
    world.job({
      ...now,
      progress: { ...now.progress, done, remaining_ms },
      ...(ended ? { state: 'succeeded', result: finish(), ended_ms: Date.now() } : {}),
    });
  }, tick_ms);
}

const PREVIEW: ImportPreview = {
  format: 'folders',
  image_count: 523,
  total_bytes: 17_400_000,
  classes: [
    { name: 'Blowhole', image_count: 115, exists: true },
    { name: 'Break', image_count: 85, exists: true },
    { name: 'Crack', image_count: 57, exists: false },
    { name: 'Free', image_count: 266, exists: true },
  ],
  mask_count: 0,
  duplicate_count: 4,
  several_classes_count: 0,
  no_class_count: 0,
  csv_files: [],
  broken_rows: { warnings: [] },
  existing_count: 12,
  broken: {
    warnings: [
      { subject: 'Break/exp3_num_2211.jpg', reason: 'the file is empty' },
      { subject: 'Free/exp6_num_99.jpg', reason: 'the image ends in the middle (truncated JPEG)' },
    ],
  },
  has_splits: false,
};

/** Imports, exports and the list of jobs. */
export const jobHandlers: Handlers = {
  import_preview: () => PREVIEW,
  import_start: (world, { id }) => {
    const dataset = world.dataset(id);
    const made = makeJob(world, 'import', dataset.name, id, PREVIEW.image_count);
    run(world, made.id, 150, () => {
      for (const { name } of PREVIEW.classes) {
        if (!dataset.labels.some((label) => label.name === name)) dataset.addLabel(name);
      }
      dataset.samples.grow(507);
      world.changed('label', id);
      world.changed('sample', id);
      return { imported: 507, masks: 0, duplicates: 16, left_out: PREVIEW.broken, new_classes: ['Crack'] };
    });
    return made;
  },
  dataset_export: (world, { id }) => {
    const made = makeJob(world, 'dataset_export', world.dataset(id).name, id, 10);
    run(world, made.id, 100, () => ({}));
    return made;
  },
  project_create_sample: (world) => {
    const dataset = new FakeDataset('blood-cells', [], 0);
    const project = world.addProject('Sample: blood cells', [dataset]);
    const made = makeJob(world, 'import', dataset.name, dataset.id, 800);
    run(world, made.id, 120, () => {
      for (const name of ['WBC', 'RBC', 'Platelets']) dataset.addLabel(name);
      dataset.samples.grow(800);
      world.changed('sample', dataset.id);
      return { imported: 800, masks: 0, duplicates: 0, left_out: { warnings: [] }, new_classes: [] };
    });
    world.changed('project');
    return { project: world.projectWire(project), dataset: dataset.wire(), job: made };
  },
  job_list: (world, { kind }) => page(world.jobs.filter((j) => !kind || j.kind === kind)),
  job_get: (world, { id }) => job(world, id),
  job_delete: (world, { id }) => {
    world.jobs = world.jobs.filter((j) => j.id !== id);
    world.changed('job');
    return {};
  },
  job_cancel: (world, { id }) => world.job({ ...job(world, id), state: 'cancelled', ended_ms: Date.now() }),
  job_pause: (world, { id }) => world.job({ ...job(world, id), state: 'paused' }),
  job_resume: (world, { id }) => world.job({ ...job(world, id), state: 'running' }),
};
