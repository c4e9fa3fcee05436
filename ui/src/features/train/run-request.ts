import type { Job, Task, TrainSettings } from '@/ipc/types';

/** What a training run was asked, as far as its job still tells. */
export interface RunRequest {
  readonly dataset_id: string | null;
  readonly dataset_version_id: string | null;
  readonly task: Task;
  readonly settings: TrainSettings | null;
  readonly model_id: string | null;
  readonly model_name: string | null;
}

export function requestOf(job: Job): RunRequest {
  const params = record(job.params);
  const settings = record(params['settings']);
  return {
    dataset_id: text(params['dataset_id']) ?? job.dataset_id ?? null,
    dataset_version_id: text(params['dataset_version_id']),
    task: params['task'] === 'multilabel_classification' ? params['task'] : 'classification',
    settings: typeof settings['arch'] === 'string' ? (settings as unknown as TrainSettings) : null,
    model_id: text(params['model_id']),
    model_name: text(params['model_name']),
  };
}

/** What a finished run made, as far as its job tells. */
export interface RunResult {
  readonly model_id: string | null;
  readonly model_version_id: string | null;
  readonly number: number | null;
  readonly model_name: string | null;
  /** Best validation values by metric name. */
  readonly metrics: Readonly<Record<string, number>>;
}

export function resultOf(job: Job): RunResult {
  const result = record(job.result);
  const metrics = Object.entries(record(result['metrics']));
  return {
    model_id: text(result['model_id']),
    model_version_id: text(result['model_version_id']),
    number: typeof result['number'] === 'number' ? result['number'] : null,
    model_name: text(result['model_name']),
    metrics: Object.fromEntries(metrics.filter((e): e is [string, number] => typeof e[1] === 'number')),
  };
}

/** What a run is called: the model it makes, or its title. */
export function runName(job: Job): string {
  return requestOf(job).model_name ?? job.title;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
