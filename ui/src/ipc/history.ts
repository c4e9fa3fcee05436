import { t } from '@/core/i18n/index.svelte';
import { call } from './client';
import type { HistoryState, OpKind } from './types';

/** What an undoable change was, in words. */
export function opText({ op, count }: OpKind): string {
  if (op === 'import') return t('op.import', { n: count });
  if (/^(create|update|merge|delete)_label$/.test(op)) return t('op.class');
  if (op.includes('delete')) return t('op.delete', { n: count });
  if (op.includes('label')) return t('op.label', { n: count });
  if (op.includes('split')) return t('op.split', { n: count });
  return t('op.other');
}

/** Takes the last change of a dataset back (or does it again) and says which it was; null if there was none. */
export async function step(
  direction: 'undo' | 'redo',
  dataset_id: string,
): Promise<{ what: string; state: HistoryState } | null> {
  const before = await call('history_get', { id: dataset_id });
  const kind = before[direction];
  if (!kind) return null;
  const state = await call(direction === 'undo' ? 'history_undo' : 'history_redo', { id: dataset_id });
  return { what: opText(kind), state };
}
