import { beforeEach, expect, it } from 'vitest';
import { ApiError } from '@/ipc/adapter';
import { useAdapter } from '@/ipc/client';
import { FakeAdapter } from '@/ipc/fake';
import { ARCHS, PRESETS } from '@/ipc/fake/presets';
import type { TrainSettings } from '@/ipc/types';
import { NewRun } from './new-run.svelte';

let fake: FakeAdapter;
beforeEach(() => useAdapter((fake = new FakeAdapter(''))));

const [fast, balanced] = PRESETS.map((preset) => preset.settings) as [TrainSettings, TrainSettings];

function filled(): NewRun {
  const run = new NewRun();
  run.settings = balanced;
  run.archs = ARCHS;
  run.dataset_id = fake.world.datasets[0]?.id ?? '';
  return run;
}

it('is not ready before there is a dataset and while a setting is wrong', () => {
  const run = filled();
  expect(run.ready).toBe(true);
  run.setNumber('batch_size', 5000);
  expect(run.ready).toBe(false);
  run.setNumber('batch_size', 16);
  expect(run.ready).toBe(true);
  run.dataset_id = '';
  expect(run.ready).toBe(false);
});

it('is not ready with an image size that the architecture does not take', () => {
  const run = filled();
  run.change({ arch: 'vit_tiny_patch16_224', image_size_px: 100 });
  expect(run.ready).toBe(false);
  run.setNumber('image_size_px', 96);
  expect(run.ready).toBe(true);
});

it('keeps seed and device when a preset is taken', () => {
  const run = filled();
  run.change({ seed: 7, device: 'cpu' });
  run.usePreset(fast);
  expect(run.settings).toMatchObject({ seed: 7, device: 'cpu', image_size_px: fast.image_size_px });
});

it('keeps the weights to start from while they fit the architecture', () => {
  const run = filled();
  run.change({ weights: 'resnet18.a1_in1k' });
  run.usePreset(fast);
  expect(run.settings?.weights).toBe('resnet18.a1_in1k');
  run.chooseArch('resnet18');
  expect(run.settings?.weights).toBe('resnet18.a1_in1k');
  run.chooseArch('resnet34');
  expect(run.settings).toMatchObject({ arch: 'resnet34', weights: null });
});

it('asks for a new model by name, or for a version of the chosen one', async () => {
  const run = filled();
  run.model_name = '  tiles ';
  await run.start('project-1');
  run.model_id = 'model-1';
  await run.start(null);
  const asked = fake.calls.filter((c) => c.name === 'job_create').map((c) => c.request);
  expect(asked).toMatchObject([
    { kind: 'train', model_name: 'tiles', model_id: null, project_id: 'project-1', settings: balanced },
    { model_name: null, model_id: 'model-1', project_id: null },
  ]);
  fake.world.jobs = [];
});

it('says why a run was refused and can be started again', async () => {
  const run = filled();
  fake.fail('job_create', new ApiError('invalid_input', 'The training split is empty.'));
  expect(await run.start(null)).toBeNull();
  expect(run.error?.message).toBe('The training split is empty.');
  expect(run.starting).toBe(false);
  fake.fail('job_create');
  expect((await run.start(null))?.kind).toBe('train');
  expect(run.error).toBeNull();
  fake.world.jobs = [];
});
