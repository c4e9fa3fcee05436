import { call } from '../client';
import { onEvent } from '../events';
import type { Job, JobState } from '../types';

const FINAL: readonly JobState[] = ['succeeded', 'failed', 'cancelled'];

export function isFinal(job: Pick<Job, 'state'>): boolean {
  return FINAL.includes(job.state);
}

/** Share of the work that is done, 0 to 1; null where the total is not known yet. */
export function progressShare(job: Job): number | null {
  if (job.state === 'succeeded') return 1;
  const { done, total } = job.progress;
  return total > 0 ? Math.min(1, done / total) : null;
}

type Ended = (job: Job) => void;

/** The newest jobs, live. Started once by the app; read by any screen. */
class Jobs {
  #byId = $state.raw<ReadonlyMap<string, Job>>(new Map());
  #ended = new Set<Ended>();
  #stop: (() => void) | null = null;

  /** Newest first. */
  all: Job[] = $derived([...this.#byId.values()].sort((a, b) => b.created_ms - a.created_ms));
  active: Job[] = $derived(this.all.filter((job) => !isFinal(job)));
  /** The job the status bar shows: running before paused before queued. */
  current: Job | null = $derived(
    this.active.find((job) => job.state === 'running') ??
      this.active.find((job) => job.state === 'paused' || job.state === 'interrupted') ??
      this.active.at(-1) ??
      null,
  );

  start(): void {
    if (this.#stop) return;
    this.#stop = onEvent((event) => {
      if (event.kind === 'job') this.take(event.job);
      else if (event.kind === 'lagged') void this.reload();
      else if (event.kind === 'changed' && event.entity === 'job') void this.reload();
    });
    void this.reload();
  }

  stop(): void {
    this.#stop?.();
    this.#stop = null;
    this.#byId = new Map();
  }

  async reload(): Promise<void> {
    try {
      const page = await call('job_list', { limit: 100 });
      this.#byId = new Map(page.items.map((job) => [job.id, job]));
    } catch {
      // The status bar shows a lost connection; the next event or reload mends the list.
    }
  }

  get(id: string): Job | undefined {
    return this.#byId.get(id);
  }

  /** A job as an event or an answer told it. */
  take(job: Job): void {
    const before = this.#byId.get(job.id);
    this.#byId = new Map(this.#byId).set(job.id, job);
    if (isFinal(job) && (!before || !isFinal(before))) for (const listener of this.#ended) listener(job);
  }

  /** Tells each job that ends from now on. Returns how to stop. */
  onEnded(listener: Ended): () => void {
    this.#ended.add(listener);
    return () => this.#ended.delete(listener);
  }
}

export const jobs = new Jobs();
