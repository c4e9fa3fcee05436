import type { Job, JobState, TrainSettings } from '../types';
import { pointsAt, type Course } from './curves';
import { freeze } from './library';
import { newId } from './random';
import type { FakeDataset, World } from './world';

/** A made-up training: its course and how far it is. */
export interface FakeRun {
  course: Course;
  steps: number;
}

const TICK_MS = 400;
const runs = new WeakMap<World, Map<string, FakeRun>>();

export function runsOf(world: World): Map<string, FakeRun> {
  let known = runs.get(world);
  if (!known) runs.set(world, (known = new Map()));
  return known;
}

export interface RunPlan {
  dataset: FakeDataset;
  settings: TrainSettings;
  state: JobState;
  model_name: string;
  /** Share of the planned steps that is done. */
  share: number;
  best: number;
  age_ms: number;
  error?: string;
  result?: unknown;
}

export function addRun(world: World, plan: RunPlan): Job {
  const { dataset, settings } = plan;
  const steps_per_epoch = Math.max(1, Math.ceil(dataset.wire().splits.train / settings.batch_size));
  const total = steps_per_epoch * settings.epochs;
  const steps = Math.round(total * plan.share);
  const id = newId();
  const course: Course = {
    seed: runsOf(world).size + 3,
    epochs: settings.epochs,
    steps_per_epoch,
    warmup_epochs: settings.warmup_epochs,
    learning_rate: settings.learning_rate,
    best: plan.best,
  };
  runsOf(world).set(id, { course, steps });
  const project = world.projects.find((p) => p.dataset_ids.includes(dataset.id));
  const created_ms = Date.now() - plan.age_ms;
  const ended = plan.state === 'succeeded' || plan.state === 'failed' || plan.state === 'cancelled';
  return world.job({
    id,
    kind: 'train',
    state: plan.state,
    title: `${dataset.name} · ${settings.arch}`,
    project_id: project?.wire.id ?? null,
    dataset_id: dataset.id,
    progress: {
      done: steps,
      total,
      unit: 'steps',
      phase: plan.state === 'running' ? 'training' : '',
      remaining_ms: null,
      epoch: Math.min(settings.epochs, Math.floor(steps / steps_per_epoch) + (ended ? 0 : 1)),
      epochs: settings.epochs,
    },
    params: {
      dataset_id: dataset.id,
      dataset_version_id: freeze(dataset).id,
      task: 'classification',
      settings,
      model_name: plan.model_name,
    },
    result: plan.result ?? null,
    error: plan.error ?? null,
    created_ms,
    started_ms: plan.state === 'queued' ? null : created_ms + 900,
    ended_ms: ended ? created_ms + steps * 520 : null,
  });
}

/** Lets a run go on in steps of a few, with its points, until `finish` tells its result. */
export function goOn(world: World, id: string, finish: (job: Job) => unknown): void {
  const timer = setInterval(() => {
    const run = runsOf(world).get(id);
    const job = world.jobs.find((j) => j.id === id);
    if (!run || !job || job.state === 'cancelled') return clearInterval(timer);
    if (job.state !== 'running') return;
    const points = [];
    const upTo = Math.min(job.progress.total, run.steps + 2);
    while (run.steps < upTo) points.push(...pointsAt(run.course, ++run.steps));
    world.emit({ kind: 'metrics', job_id: id, points });
    const ended = run.steps >= job.progress.total;
    if (ended) clearInterval(timer);
    const { steps_per_epoch, epochs } = run.course;
    world.job({
      ...job,
      progress: {
        ...job.progress,
        done: run.steps,
        remaining_ms: ((job.progress.total - run.steps) / 2) * TICK_MS,
        epoch: Math.min(epochs, Math.floor(run.steps / steps_per_epoch) + 1),
      },
      ...(ended ? { state: 'succeeded' as const, result: finish(job), ended_ms: Date.now() } : {}),
    });
  }, TICK_MS);
}
