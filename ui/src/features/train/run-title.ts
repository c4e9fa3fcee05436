import { t } from '@/core/i18n/index.svelte';
import type { Job } from '@/ipc/types';
import { resultOf, runName } from './run-request';

/** What a run is called on screen: the model version it made, else the model it is to make. */
export function runTitle(job: Job): string {
  const { model_name, number } = resultOf(job);
  return model_name && number !== null
    ? t('models.version_of', { name: model_name, n: number })
    : runName(job);
}
