import { ApiError } from '../adapter';
import type { Job, TrainSettings } from '../types';
import { seriesOf } from './curves';
import type { Handlers } from './handlers';
import { libraryOf } from './library';
import { devices } from './machine';
import { ARCHS, PRESETS, settingsOf } from './presets';
import { addRun, goOn, runsOf } from './runs';
import type { World } from './world';

/** What a finished run leaves: a model version, told in the job's result. */
function finish(world: World, job: Job, f1: number, age_ms = 0): unknown {
  const params = job.params as { dataset_id: string; settings: TrainSettings; model_name: string };
  const library = libraryOf(world);
  const version = library.addVersion(
    world.dataset(params.dataset_id),
    params.model_name,
    params.settings,
    f1,
    age_ms,
  );
  version.job_id = job.id;
  world.changed('model');
  const { model_id, number, metrics } = version;
  return { model_id, model_version_id: version.id, number, model_name: params.model_name, metrics };
}

/** Training. */
export const trainHandlers: Handlers = {
  train_options: (world) => ({
    archs: ARCHS,
    presets: PRESETS,
    devices: devices(world.gpu),
    cuda: null,
  }),
  train_forecast: (world, { dataset_id, settings }) => {
    const asked = settingsOf('balanced', settings as Partial<TrainSettings>);
    const peak = 48e6 * 4 + asked.batch_size * asked.image_size_px ** 2 * 2_900;
    const on_gpu = world.gpu === 'ready' && asked.device !== 'cpu';
    const free = on_gpu ? 3_100_000_000 : 9_400_000_000;
    const { train } = world.dataset(dataset_id).wire().splits;
    return {
      device: on_gpu ? 'cuda' : 'cpu',
      peak_memory_bytes: Math.round(peak),
      free_memory_bytes: free,
      multiply_adds_per_image: Math.round(5.4e9 * (asked.image_size_px / 224) ** 2),
      parameter_count: asked.arch === 'resnet34' ? 21_286_211 : 11_178_051,
      steps: Math.ceil(train / asked.batch_size) * asked.epochs,
      micro_batch_size: asked.micro_batch_size || Math.min(asked.batch_size, train),
      seconds: (train * asked.epochs * (asked.image_size_px / 224) ** 2) / 20,
      fits: peak < free,
      bf16_is_native: false,
    };
  },
  job_create: (world, { dataset_id, settings, model_name }) => {
    const dataset = world.dataset(dataset_id);
    if (dataset.wire().splits.train === 0) {
      throw new ApiError(
        'invalid_input',
        'The training split is empty. Split the dataset first; nothing was started.',
      );
    }
    const made = addRun(world, {
      dataset,
      settings: settingsOf('balanced', settings as Partial<TrainSettings>),
      state: 'running',
      model_name: model_name ?? `${dataset.name}-${settings?.arch ?? 'resnet18'}`,
      share: 0,
      best: 0.95,
      age_ms: 0,
    });
    goOn(world, made.id, (job) => finish(world, job, 0.95));
    return made;
  },
  job_notes: () => ({ notes: ['started by anna'] }),
  job_metrics: (world, { id }) => {
    const run = runsOf(world).get(id);
    return { series: run ? seriesOf(run.course, run.steps) : [] };
  },
};

/** Runs in every state, with the models they made, for looking at the screens. */
export function seedRuns(world: World): void {
  const dataset = world.datasets.find((d) => d.name === 'tile-defects');
  const cells = world.datasets.find((d) => d.name === 'smears');
  if (!dataset || !cells) return;
  const name = 'tile-defects-resnet18';
  const done = (settings: TrainSettings, best: number, age_ms: number): void => {
    const job = addRun(world, {
      dataset,
      settings,
      state: 'succeeded',
      model_name: name,
      share: 1,
      best,
      age_ms,
    });
    world.job({ ...job, result: finish(world, job, best, age_ms - 600_000) });
  };
  const smears = addRun(world, {
    dataset: cells,
    settings: settingsOf('fast'),
    state: 'succeeded',
    model_name: 'smears-quick',
    share: 1,
    best: 0.88,
    age_ms: 260_000_000,
  });
  world.job({ ...smears, result: finish(world, smears, 0.88, 259_000_000) });
  done(settingsOf('fast'), 0.905, 180_000_000);
  addRun(world, {
    dataset,
    settings: settingsOf('balanced', { learning_rate: 0.3 }),
    state: 'failed',
    model_name: 'tile-defects-hot',
    share: 0.12,
    best: 0.4,
    age_ms: 170_000_000,
    error:
      'The loss stopped being a number at step 41. The learning rate of 0.3 is probably too high; the checkpoint of step 36 is kept.',
  });
  done(settingsOf('balanced'), 0.931, 90_000_000);
  addRun(world, {
    dataset,
    settings: settingsOf('accurate'),
    state: 'interrupted',
    model_name: 'tile-defects-large',
    share: 0.46,
    best: 0.95,
    age_ms: 20_000_000,
  });
  const running = addRun(world, {
    dataset,
    settings: settingsOf('balanced', { epochs: 40 }),
    state: 'running',
    model_name: 'tile-defects-long',
    share: 0.355,
    best: 0.948,
    age_ms: 420_000,
  });
  goOn(world, running.id, (job) => finish(world, job, 0.948));
  addRun(world, {
    dataset,
    settings: settingsOf('fast', { seed: 7 }),
    state: 'queued',
    model_name: 'tile-defects-seed-7',
    share: 0,
    best: 0.9,
    age_ms: 60_000,
  });
}
