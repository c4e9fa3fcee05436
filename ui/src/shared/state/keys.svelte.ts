import { chord } from '@/core/keymap';

/** From a key name (see `core/keymap`) to what it does; `false` says that the press was not for it. */
export type KeyMap = Record<string, (event: KeyboardEvent) => unknown>;

interface Layer {
  map: () => KeyMap;
  /** Also works while a text field has the focus. */
  inFields: boolean;
  /** Also works below an open dialog. */
  belowDialogs: boolean;
}

const layers: Layer[] = [];
let openDialogs = 0;

/** A dialog is open: keys of the screen below rest. Returns how to end that. */
export function dialogOpened(): () => void {
  openDialogs += 1;
  return () => {
    openDialogs -= 1;
  };
}

/** Keys of a component, while it lives. Those registered last are asked first. */
export function useKeys(
  map: () => KeyMap,
  options: { inFields?: boolean; belowDialogs?: boolean } = {},
): void {
  $effect(() => {
    const layer: Layer = {
      map,
      inFields: options.inFields ?? false,
      belowDialogs: options.belowDialogs ?? false,
    };
    layers.unshift(layer);
    return () => {
      layers.splice(layers.indexOf(layer), 1);
    };
  });
}

function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return !['range', 'checkbox', 'radio', 'button'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target.isContentEditable;
}

/** True where Enter and Space belong to the focused control itself. */
function activates(event: KeyboardEvent): boolean {
  const { target } = event;
  if (!(target instanceof Element) || (event.key !== 'Enter' && event.key !== ' ')) return false;
  return target.closest('button, a, [role="option"], [role="menuitem"], input, select') !== null;
}

/** True where arrows, Home and End belong to the focused control (a slider, a list, radio buttons). */
function moves(event: KeyboardEvent): boolean {
  if (!/^(Arrow|Home|End|Page)/.test(event.key)) return false;
  return (
    event.target instanceof Element &&
    event.target.closest('input, [role="menu"], [role="radiogroup"]') !== null
  );
}

export function handleKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const name = chord(event);
  const field = isField(event.target);
  for (const layer of layers) {
    if (field && !layer.inFields) continue;
    if (openDialogs > 0 && !layer.belowDialogs) continue;
    const act = layer.map()[name];
    if (!act || activates(event) || moves(event)) continue;
    if (act(event) === false) continue;
    event.preventDefault();
    return;
  }
}

/** Listens on the window; called once by the app. */
export function startKeys(): () => void {
  window.addEventListener('keydown', handleKey);
  return () => window.removeEventListener('keydown', handleKey);
}
