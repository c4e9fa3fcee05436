export interface Toast {
  id: number;
  kind: 'info' | 'ok' | 'bad';
  text: string;
  /** A second, quieter sentence: what is safe, what to do. */
  detail?: string;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 6000;
const MOST = 4;

let next = 1;
let list = $state.raw<readonly Toast[]>([]);

export function toasts(): readonly Toast[] {
  return list;
}

/** Says something briefly. Errors stay until they are dismissed. */
export function toast(what: Omit<Toast, 'id'>): number {
  const id = next++;
  list = [...list, { ...what, id }].slice(-MOST);
  if (what.kind !== 'bad') setTimeout(() => dismiss(id), SHOWN_MS);
  return id;
}

export function dismiss(id: number): void {
  list = list.filter((t) => t.id !== id);
}
