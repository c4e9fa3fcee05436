import { call } from '../client';
import { onConnection, onEvent } from '../events';
import type { ResourceSnapshot } from '../types';

/** Five minutes at 1 Hz. */
const KEEP = 300;

/** What the machine does, now and in the last minutes. Started once by the app. */
class Resources {
  history = $state.raw<readonly ResourceSnapshot[]>([]);
  connected = $state(true);
  now: ResourceSnapshot | null = $derived(this.history.at(-1) ?? null);
  #stops: (() => void)[] = [];

  start(): void {
    if (this.#stops.length) return;
    this.#stops = [
      onEvent((event) => {
        if (event.kind === 'resources') this.history = [...this.history.slice(1 - KEEP), event.snapshot];
      }),
      onConnection((is) => (this.connected = is)),
    ];
    void this.#past();
  }

  stop(): void {
    this.#stops.forEach((stop) => stop());
    this.#stops = [];
    this.history = [];
  }

  async #past(): Promise<void> {
    try {
      const { snapshots } = await call('resource_history', {});
      if (snapshots.length) this.history = snapshots.slice(-KEEP);
      else if (!this.now) this.history = [await call('resource_get', {})];
    } catch {
      // The graph then begins with the first event.
    }
  }
}

export const resources = new Resources();
