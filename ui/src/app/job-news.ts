import { t } from '@/core/i18n/index.svelte';
import { jobs } from '@/ipc/stores/jobs.svelte';
import type { Job } from '@/ipc/types';
import { toast } from '@/shared/state/toasts.svelte';
import { jobTitle } from '@/shared/state/words';

/** Says when a job ends; an import says it itself, with its report. Returns how to stop. */
export function announceJobs(): () => void {
  return jobs.onEnded((job) => {
    if (job.state === 'failed') toast({ kind: 'bad', text: named(job), detail: job.error ?? undefined });
    else if (job.state === 'succeeded' && job.kind !== 'import') {
      toast({ kind: 'ok', text: named(job), detail: t('job.state.succeeded') });
    }
  });
}

function named(job: Job): string {
  return `${t(`job.kind.${job.kind}`)} · ${jobTitle(job)}`;
}
