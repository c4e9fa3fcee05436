import { expect, it } from 'vitest';
import { ModelVersions } from '@/ipc/stores/model-versions.svelte';
import type { Evaluation, Job, Model, ModelVersion } from '@/ipc/types';
import { Choice, evaluationJob } from './choice.svelte';

const version = (model_id: string, number: number, created_ms: number): ModelVersion =>
  ({ id: `${model_id}@${number}`, model_id, number, created_ms }) as ModelVersion;

function models(): ModelVersions {
  const made = new ModelVersions();
  made.list = [
    { model: { id: 'a', name: 'A' } as Model, versions: [version('a', 2, 50), version('a', 1, 10)] },
    { model: { id: 'b', name: 'B' } as Model, versions: [version('b', 1, 90)] },
  ];
  return made;
}

const evaluation = { model_version_id: 'a@1', split: 'val' } as Evaluation;

it('follows an evaluation to its version and split', () => {
  const choice = new Choice(models());
  choice.follow(evaluation, {});
  expect([choice.model_id, choice.number, choice.split]).toEqual(['a', 1, 'val']);
  expect(choice.version?.id).toBe('a@1');
});

it('follows a model in the address, its newest version without a number', () => {
  const choice = new Choice(models());
  choice.follow(undefined, { model: 'a' });
  expect(choice.version?.id).toBe('a@2');
  choice.follow(undefined, { model: 'a', version: '1', split: 'train' });
  expect([choice.version?.id, choice.split]).toEqual(['a@1', 'train']);
});

it('begins with the newest version of all, and keeps a choice that is there', () => {
  const choice = new Choice(models());
  choice.follow(undefined, {});
  expect(choice.version?.id).toBe('b@1');
  choice.take('a', 1);
  choice.follow(undefined, {});
  expect(choice.version?.id).toBe('a@1');
});

it('finds the evaluation on its way, and a failure only until a newer result', () => {
  const job = (state: string, created_ms = 5): Job =>
    ({
      kind: 'evaluate',
      state,
      created_ms,
      params: { model_version_id: 'a@1', split: 'test' },
    }) as unknown as Job;
  expect(evaluationJob([job('running')], 'a@1', 'test', 0)?.state).toBe('running');
  expect(evaluationJob([job('running')], 'a@1', 'val', 0)).toBeUndefined();
  expect(evaluationJob([job('running')], 'a@2', 'test', 0)).toBeUndefined();
  expect(evaluationJob([job('failed')], 'a@1', 'test', 0)?.state).toBe('failed');
  expect(evaluationJob([job('failed')], 'a@1', 'test', 9)).toBeUndefined();
  expect(evaluationJob([job('succeeded')], 'a@1', 'test', 0)).toBeUndefined();
});
