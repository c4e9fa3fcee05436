import { call } from '@/ipc/client';
import type { Job } from '@/ipc/types';
import { resultOf } from './run-request';

/** The model version that a run made, or null while there is none (or it was deleted). */
export async function findVersion(job: Job): Promise<{ model_id: string; number: number } | null> {
  const { model_id, number } = resultOf(job);
  if (model_id && number !== null) return { model_id, number };
  const { items } = await call('model_list', { limit: 500 });
  return items.map((model) => model.latest).find((version) => version?.job_id === job.id) ?? null;
}
