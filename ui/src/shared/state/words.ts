import { ago as agoOf, formatRemaining } from '@/core/format';
import { currentLanguage, t } from '@/core/i18n/index.svelte';

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

export function splitText(split: 'train' | 'val' | 'test' | null): string {
  return t(`split.${split ?? 'none'}`);
}
