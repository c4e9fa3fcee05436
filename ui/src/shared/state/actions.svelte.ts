import { untrack } from 'svelte';

/** Something the command palette offers. Screens register theirs while they are open. */
export interface Action {
  id: string;
  label: string;
  /** Words it is also found by. */
  words?: string;
  keys?: string;
  run: () => void;
}

let sources = $state.raw<readonly (() => Action[])[]>([]);

export function allActions(): Action[] {
  return sources.flatMap((source) => source());
}

/** Offers actions while the calling component lives. */
export function useActions(source: () => Action[]): void {
  $effect(() => registerActions(source));
}

export function registerActions(source: () => Action[]): () => void {
  // Untracked: an effect that registers must not depend on the list it changes.
  sources = [...untrack(() => sources), source];
  return () => {
    sources = sources.filter((s) => s !== source);
  };
}
