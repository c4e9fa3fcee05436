import { activeAdapter } from './client';
import type { AppEvent } from './types';

type Listener = (event: AppEvent) => void;

const listeners = new Set<Listener>();
const connectionListeners = new Set<(is: boolean) => void>();
let stop: (() => void) | null = null;

/** One subscription for the whole UI, opened with the first listener. Returns how to stop listening. */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  stop ??= activeAdapter().subscribe(emit, (is) => connectionListeners.forEach((l) => l(is)));
  return () => {
    listeners.delete(listener);
  };
}

/** Tells when the application stops answering and when it is back. */
export function onConnection(listener: (is: boolean) => void): () => void {
  connectionListeners.add(listener);
  return () => {
    connectionListeners.delete(listener);
  };
}

/** Ends the subscription; for tests. */
export function closeEvents(): void {
  stop?.();
  stop = null;
  listeners.clear();
  connectionListeners.clear();
}

function emit(event: AppEvent): void {
  for (const listener of listeners) listener(event);
}
