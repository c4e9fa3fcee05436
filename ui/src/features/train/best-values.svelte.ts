import { call } from '@/ipc/client';
import { onEvent } from '@/ipc/events';
import type { Job, MetricPoint } from '@/ipc/types';
import { CurveTable } from './curves';
import { resultOf } from './run-request';

const NAMES = ['val/macro_f1', 'val/accuracy'] as const;

/** How many runs of the list get their best value; older ones show it when opened. */
const MOST = 60;

/** The best validation value of each run in the list: read once a run, raised by the points of live runs. */
class BestValues {
  #values = $state.raw<ReadonlyMap<string, number>>(new Map());
  #asked = new Set<string>();

  of(job_id: string): number | null {
    return this.#values.get(job_id) ?? null;
  }

  /** Reads what is missing, one run after the other, so that a long list does not crowd out what is on screen. */
  async fill(jobs: readonly Job[]): Promise<void> {
    const missing = jobs.slice(0, MOST).filter((job) => job.state !== 'queued' && !this.#asked.has(job.id));
    missing.forEach((job) => this.#asked.add(job.id));
    for (const job of missing) {
      const told = NAMES.map((name) => resultOf(job).metrics[name]).find((value) => value !== undefined);
      if (told !== undefined) {
        this.#raise(job.id, told);
        continue;
      }
      try {
        const { series } = await call('job_metrics', { id: job.id });
        const table = CurveTable.from(series);
        const best = NAMES.map((name) => table.best(name)).find((value) => value !== null);
        if (best) this.#raise(job.id, best.value);
      } catch {
        // The list then shows a dash; opening the run says why its curves cannot be read.
        this.#asked.delete(job.id);
      }
    }
  }

  follow(): () => void {
    return onEvent((event) => {
      if (event.kind === 'metrics') this.#take(event.job_id, event.points);
    });
  }

  #take(job_id: string, points: readonly MetricPoint[]): void {
    for (const { name, value } of points) if (name === NAMES[0]) this.#raise(job_id, value);
  }

  #raise(job_id: string, value: number): void {
    if (!Number.isFinite(value) || value <= (this.#values.get(job_id) ?? -1)) return;
    this.#values = new Map(this.#values).set(job_id, value);
  }
}

export const bestValues = new BestValues();
