import { untrack } from 'svelte';
import { ApiError } from '@/ipc/adapter';
import { call } from '@/ipc/client';
import { onEvent } from '@/ipc/events';
import type { MetricPoint } from '@/ipc/types';
import { CurveTable } from './curves';

/** The curves of the run on screen: what was kept, then every new point. */
export class RunCurves {
  /** Changes inside are told by `version`. */
  table = new CurveTable();
  version = $state(0);
  loading = $state(true);
  error = $state.raw<ApiError>();
  #buffer: MetricPoint[] | null = [];
  #frame = 0;

  async load(job_id: string, isCurrent: () => boolean): Promise<void> {
    this.#buffer ??= [];
    try {
      const { series } = await call('job_metrics', { id: job_id });
      if (!isCurrent()) return;
      this.table = CurveTable.from(series);
      this.error = undefined;
    } catch (thrown) {
      if (!isCurrent()) return;
      this.error = ApiError.from(thrown);
    }
    this.table.add(this.#buffer ?? []);
    this.#buffer = null;
    this.loading = false;
    this.version += 1;
  }

  /** Points that come while the kept ones are still being read wait for them. */
  take(points: MetricPoint[]): void {
    if (this.#buffer) {
      this.#buffer.push(...points);
      return;
    }
    this.table.add(points);
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.version += 1;
    });
  }

  reset(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.table = new CurveTable();
    this.#buffer = [];
    this.loading = true;
    this.error = undefined;
    this.version += 1;
  }
}

/** Follows the run `job_id` while the calling component lives. */
export function useRunCurves(job_id: () => string): RunCurves {
  const curves = new RunCurves();
  $effect(() => {
    const id = job_id();
    let current = true;
    const load = (): void => void curves.load(id, () => current);
    untrack(() => {
      curves.reset();
      load();
    });
    const stop = onEvent((event) => {
      if (event.kind === 'metrics' && event.job_id === id) curves.take(event.points);
      else if (event.kind === 'lagged') load();
    });
    return () => {
      current = false;
      stop();
    };
  });
  return curves;
}
