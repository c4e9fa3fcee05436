import { ago as agoOf, formatRemaining } from '@/core/format';
import { currentLanguage, t } from '@/core/i18n/index.svelte';

type Split = 'train' | 'val' | 'test';

/** "2 hours ago". */
export function agoText(then_ms: number, now_ms = Date.now()): string {
  const { unit, n } = agoOf(then_ms, now_ms);
  if (unit === 'now') return t('common.ago_now');
  return t(`common.ago_${unit}`, { n });
}

/** "6 min left". */
export function remainingText(ms: number): string {
  return t('common.left_ms', { time: formatRemaining(ms, currentLanguage()) });
}

export function splitText(split: Split | null): string {
  return t(`split.${split ?? 'none'}`);
}

/** A job's title; the split at the end of an evaluation's is written as the language does. */
export function jobTitle(job: { kind: string; title: string; params?: unknown }): string {
  const split = (job.params as { split?: Split } | null)?.split;
  const end = ` · ${split}`;
  if (job.kind !== 'evaluate' || !split || !job.title.endsWith(end)) return job.title;
  return `${job.title.slice(0, -end.length)} · ${splitText(split)}`;
}
