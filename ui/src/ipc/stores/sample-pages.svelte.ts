import { pagesOf } from '@/core/windowing';
import { ApiError } from '../adapter';
import { call } from '../client';
import type { Sample, SampleFilter, SampleSort } from '../types';

const PAGE = 200;
/** About 12,000 samples in memory. */
const KEEP_PAGES = 60;

type Query = { dataset_id: string; filter: SampleFilter; sort: SampleSort };

/**
 * The samples of a filtered, ordered dataset by offset, read page by page as they come on screen.
 * What was read stays on screen until its page has been read again.
 */
export class SamplePages {
  total = $state(0);
  /** True until the first answer. */
  loading = $state(true);
  error = $state.raw<ApiError>();
  /** Grows when a page arrives: reading it in a `$derived` makes that follow. */
  revision = $state(0);
  #query: Query | null = null;
  #pages = new Map<number, Sample[]>();
  #fresh = new Set<number>();
  #reading = new Map<number, Promise<void>>();
  /** Pages that could not be read: not asked for again until `invalidate`, or a screen would ask forever. */
  #failed = new Set<number>();
  #turn = 0;

  /** Another list: forgets everything that was read. */
  open(query: Query): void {
    this.#query = query;
    this.#pages.clear();
    this.#restart();
    this.total = 0;
    this.loading = true;
    this.error = undefined;
    this.revision += 1;
    this.need(0, 1);
  }

  /** Something changed: pages are read again when they are needed next. */
  invalidate(): void {
    this.#restart();
    this.revision += 1;
    // An empty list has nothing on screen that would ask.
    if (this.total === 0) this.need(0, 1);
  }

  /** The sample at an offset, if it was read. */
  at(offset: number): Sample | undefined {
    return this.#pages.get(Math.floor(offset / PAGE))?.[offset % PAGE];
  }

  /** Reads what is missing of `[from, to)`. */
  need(from: number, to: number): void {
    for (const page of pagesOf(from, to, PAGE)) {
      if (!this.#fresh.has(page) && !this.#reading.has(page) && !this.#failed.has(page))
        void this.#read(page);
    }
  }

  /** The sample at an offset, read if need be. */
  async load(offset: number): Promise<Sample | undefined> {
    await this.#ensure(Math.floor(offset / PAGE));
    return this.at(offset);
  }

  /** The ids of `[from, to)`, read if need be. */
  async ids(from: number, to: number): Promise<string[]> {
    const ids: string[] = [];
    for (const page of pagesOf(from, to, PAGE)) {
      await this.#ensure(page);
      const items = this.#pages.get(page) ?? [];
      items.forEach((sample, i) => {
        const offset = page * PAGE + i;
        if (offset >= from && offset < to) ids.push(sample.id);
      });
    }
    return ids;
  }

  /** Shows a change before the application has confirmed it. */
  patch(ids: ReadonlySet<string>, part: Partial<Sample> | ((sample: Sample) => Partial<Sample>)): void {
    const of = typeof part === 'function' ? part : (): Partial<Sample> => part;
    for (const [page, items] of this.#pages) {
      if (!items.some((sample) => ids.has(sample.id))) continue;
      this.#pages.set(
        page,
        items.map((sample) => (ids.has(sample.id) ? { ...sample, ...of(sample) } : sample)),
      );
    }
    this.revision += 1;
  }

  /** Those of these samples that have been read. */
  known(ids: ReadonlySet<string>): Sample[] {
    return [...this.#pages.values()].flat().filter((sample) => ids.has(sample.id));
  }

  #restart(): void {
    this.#turn += 1;
    this.#fresh.clear();
    this.#reading.clear();
    this.#failed.clear();
  }

  /** Waits until a page has been read, by whoever asked first; again where a change came in between. */
  async #ensure(page: number): Promise<void> {
    let turn = -1;
    while (!this.#fresh.has(page) && turn !== this.#turn) {
      turn = this.#turn;
      await (this.#reading.get(page) ?? this.#read(page));
    }
  }

  #read(page: number): Promise<void> {
    const turn = this.#turn;
    const reading = this.#fetch(page, turn).finally(() => {
      if (turn !== this.#turn) return;
      this.#reading.delete(page);
      this.loading = false;
      this.revision += 1;
    });
    this.#reading.set(page, reading);
    return reading;
  }

  async #fetch(page: number, turn: number): Promise<void> {
    if (!this.#query) return;
    try {
      const window = await call('sample_window', { ...this.#query, offset: page * PAGE, limit: PAGE });
      if (turn !== this.#turn) return;
      this.#pages.delete(page);
      this.#pages.set(page, window.items);
      this.#fresh.add(page);
      this.total = window.total;
      this.error = undefined;
      this.#forget();
    } catch (thrown) {
      if (turn !== this.#turn) return;
      this.#failed.add(page);
      this.error = ApiError.from(thrown);
    }
  }

  /** Drops the pages that were read longest ago. */
  #forget(): void {
    for (const page of this.#pages.keys()) {
      if (this.#pages.size <= KEEP_PAGES) return;
      this.#pages.delete(page);
      this.#fresh.delete(page);
    }
  }
}
