import { expect, it } from 'vitest';
import type { Job } from '@/ipc/types';
import { requestOf, resultOf, runName } from './run-request';

const job = (params: unknown, result: unknown = null): Job => ({
  id: 'j',
  kind: 'train',
  state: 'succeeded',
  title: 'tile-defects · resnet18',
  progress: { done: 0, total: 0, unit: 'steps', phase: '', remaining_ms: null, epoch: 0, epochs: 0 },
  project_id: null,
  dataset_id: null,
  params,
  result,
  error: null,
  created_ms: 0,
  started_ms: null,
  ended_ms: null,
});

it('reads what a run was asked', () => {
  const request = requestOf(job({ dataset_id: 'd', settings: { arch: 'resnet18' }, model_name: 'tiles' }));
  expect(request.dataset_id).toBe('d');
  expect(request.settings?.arch).toBe('resnet18');
  expect(runName(job({ model_name: 'tiles' }))).toBe('tiles');
});

it('survives a job whose params say nothing', () => {
  for (const params of [null, undefined, 'text', 7, {}]) {
    expect(requestOf(job(params))).toEqual({
      dataset_id: null,
      dataset_version_id: null,
      task: 'classification',
      settings: null,
      model_id: null,
      model_name: null,
    });
  }
  expect(runName(job(null))).toBe('tile-defects · resnet18');
});

it('reads what a run made and leaves out what is no number', () => {
  const result = resultOf(
    job(null, { model_id: 'm', number: 3, metrics: { 'val/macro_f1': 0.9, 'val/loss': 'NaN' } }),
  );
  expect(result).toMatchObject({ model_id: 'm', number: 3, metrics: { 'val/macro_f1': 0.9 } });
  expect(resultOf(job(null)).number).toBeNull();
});
