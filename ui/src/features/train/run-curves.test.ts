import { beforeEach, expect, it } from 'vitest';
import { ApiError } from '@/ipc/adapter';
import { useAdapter } from '@/ipc/client';
import { FakeAdapter } from '@/ipc/fake';
import { settingsOf } from '@/ipc/fake/presets';
import { addRun } from '@/ipc/fake/runs';
import type { FakeDataset } from '@/ipc/fake/world';
import { RunCurves } from './run-curves.svelte';

let fake: FakeAdapter;
let id: string;
beforeEach(() => {
  useAdapter((fake = new FakeAdapter('')));
  const dataset = fake.world.datasets[0] as FakeDataset;
  const settings = settingsOf('fast');
  id = addRun(fake.world, {
    dataset,
    settings,
    state: 'paused',
    model_name: 'm',
    share: 0.5,
    best: 0.9,
    age_ms: 0,
  }).id;
});

const point = (step: number, value: number) => ({ name: 'train/loss', step, epoch: step / 12, value });

it('shows after a reload what the run recorded', async () => {
  const curves = new RunCurves();
  await curves.load(id, () => true);
  expect(curves.loading).toBe(false);
  expect(curves.table.byEpoch('train/loss').xs.length).toBeGreaterThan(20);
  expect(curves.table.best('val/macro_f1')).not.toBeNull();
});

it('loses no point that arrives while the kept ones are read', async () => {
  const curves = new RunCurves();
  const loading = curves.load(id, () => true);
  curves.take([point(1, 7), point(9999, 0.5)]);
  await loading;
  const { ys } = curves.table.byEpoch('train/loss');
  expect(ys[0]).toBe(7);
  expect(ys.at(-1)).toBe(0.5);
});

it('drops the answer for a run that is no longer on screen', async () => {
  const curves = new RunCurves();
  await curves.load(id, () => false);
  expect(curves.table.isEmpty).toBe(true);
  expect(curves.loading).toBe(true);
});

it('says why the curves cannot be read and shows what still arrives', async () => {
  fake.fail('job_metrics', new ApiError('io', 'The disk does not answer.'));
  const curves = new RunCurves();
  const loading = curves.load(id, () => true);
  curves.take([point(3, 0.9)]);
  await loading;
  expect(curves.error?.message).toBe('The disk does not answer.');
  expect(curves.table.byEpoch('train/loss').ys).toEqual([0.9]);
});
