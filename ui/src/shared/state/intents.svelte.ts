/**
 * What one screen asks another part for without knowing it. A screen sets an intent; the part that serves it
 * takes it.
 */

/** Chosen or dropped files, opaque here; the import part knows their shape. `null`: let the person choose. */
export interface ImportIntent {
  picked: unknown;
  dataset_id?: string;
}

class Intents {
  importing = $state.raw<ImportIntent | null>(null);
  palette = $state(false);
  keySheet = $state(false);
}

export const intents = new Intents();

/** Takes files dropped on the window instead of the import; true when they were taken. */
export type DropTaker = (picked: unknown) => boolean;

const takers: DropTaker[] = [];

/** A screen that wants drops for itself (Predict), while the calling component lives. */
export function useDrops(taker: DropTaker): void {
  $effect(() => {
    takers.unshift(taker);
    return () => {
      takers.splice(takers.indexOf(taker), 1);
    };
  });
}

export function offerDrop(picked: unknown): boolean {
  return takers.some((taker) => taker(picked));
}
