import { ApiError } from './adapter';
import { call } from './client';
import type { CommandName, Request, Response } from './commands';
import { onEvent } from './events';
import type { AppEvent, Entity } from './types';

/** Changes within this time lead to one reload. */
const SETTLE_MS = 120;

/**
 * The answer of a command, kept up to date: it is asked again when the request changes and when the
 * application says that one of `entities` changed. Old data stays on screen until the new is there.
 */
export class Query<T> {
  data = $state.raw<T>();
  error = $state.raw<ApiError>();
  /** True while there is nothing to show yet. */
  loading = $state(true);
  #run: () => Promise<T>;
  #turn = 0;

  constructor(run: () => Promise<T>) {
    this.#run = run;
  }

  async refresh(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const data = await this.#run();
      if (turn !== this.#turn) return;
      this.data = data;
      this.error = undefined;
    } catch (thrown) {
      if (turn !== this.#turn) return;
      this.error = ApiError.from(thrown);
    }
    this.loading = false;
  }

  reset(): void {
    this.#turn += 1;
    this.data = undefined;
    this.error = undefined;
    this.loading = true;
  }
}

/** True where an event means that what was read from `entities` (of `dataset_id`) may be old. */
export function concerns(event: AppEvent, entities: readonly Entity[], dataset_id?: string): boolean {
  if (event.kind === 'lagged') return true;
  if (event.kind !== 'changed' || !entities.includes(event.entity)) return false;
  return !dataset_id || !event.dataset_id || event.dataset_id === dataset_id;
}

/** Calls `act` soon after a change of `entities`, once for a burst. Returns how to stop. */
export function onChange(entities: readonly Entity[], act: () => void, dataset_id?: string): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = onEvent((event) => {
    if (!concerns(event, entities, dataset_id)) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      act();
    }, SETTLE_MS);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}

/**
 * A query of a component: call it while the component is set up.
 * `request` is read reactively; null means that there is nothing to ask yet.
 */
export function useQuery<N extends CommandName>(
  name: N,
  request: () => Request<N> | null,
  entities: readonly Entity[],
): Query<Response<N>> {
  let wanted: Request<N> | null = null;
  let known = '';
  const query = new Query<Response<N>>(() => call(name, wanted as Request<N>));
  $effect(() => {
    const next = request();
    const key = JSON.stringify(next);
    if (key === known) return;
    known = key;
    wanted = next;
    query.reset();
    if (next) void query.refresh();
  });
  $effect(() =>
    onChange(entities, () => {
      if (wanted) void query.refresh();
    }),
  );
  return query;
}
