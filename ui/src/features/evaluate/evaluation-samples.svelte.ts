import { untrack } from 'svelte';
import { ApiError } from '@/ipc/adapter';
import { call } from '@/ipc/client';
import type { EvaluationSample } from '@/ipc/types';

/** Read at most so many: beyond, lists and threshold speak of these only, and the screen says so. */
export const MOST_SAMPLES = 50_000;

/** Every sample of the evaluation on screen, read page by page; what is there already is usable. */
export class EvaluationSamples {
  items = $state.raw<readonly EvaluationSample[]>([]);
  total = $state(0);
  done = $state(false);
  error = $state.raw<ApiError>();

  async load(id: string, isCurrent: () => boolean): Promise<void> {
    this.items = [];
    this.done = false;
    this.error = undefined;
    let cursor: string | null = null;
    try {
      do {
        const page: { items: EvaluationSample[]; next_cursor?: string | null; total: number } = await call(
          'evaluation_samples',
          { id, limit: 500, cursor },
        );
        if (!isCurrent()) return;
        this.items = [...this.items, ...page.items];
        this.total = page.total;
        cursor = page.next_cursor ?? null;
      } while (cursor && this.items.length < MOST_SAMPLES);
    } catch (thrown) {
      if (!isCurrent()) return;
      this.error = ApiError.from(thrown);
    }
    this.done = true;
  }
}

/** Follows the evaluation `id` (null: none) while the calling component lives. */
export function useEvaluationSamples(id: () => string | null): EvaluationSamples {
  const samples = new EvaluationSamples();
  $effect(() => {
    const wanted = id();
    let current = true;
    if (wanted) untrack(() => void samples.load(wanted, () => current));
    return () => (current = false);
  });
  return samples;
}
