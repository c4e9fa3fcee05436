import { flushSync, mount, unmount } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { dialogOpened, handleKey } from './keys.svelte';
import KeyProbe from './KeyProbe.test.svelte';

const probes: ReturnType<typeof mount>[] = [];

function probe(props: {
  map: Record<string, () => unknown>;
  inFields?: boolean;
  belowDialogs?: boolean;
}): void {
  probes.push(mount(KeyProbe, { target: document.body, props }));
  flushSync();
}

/** Presses a key on an element; true when it was used. */
function press(key: string, on: HTMLElement = document.body): boolean {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true });
  on.addEventListener('keydown', handleKey, { once: true });
  on.dispatchEvent(event);
  return event.defaultPrevented;
}

function element(tag: string, attributes: Record<string, string> = {}): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  document.body.append(made);
  return made;
}

afterEach(async () => {
  for (const one of probes.splice(0)) await unmount(one);
  document.body.innerHTML = '';
});

describe('keys', () => {
  it('reach the part that was opened last, and those below where it declines', () => {
    const below = vi.fn();
    const above = vi.fn(() => false);
    probe({ map: { d: below } });
    probe({ map: { d: above } });
    expect(press('d')).toBe(true);
    expect(above).toHaveBeenCalledOnce();
    expect(below).toHaveBeenCalledOnce();
    expect(press('x')).toBe(false);
  });

  it('rest while a person types, unless they are meant for that', () => {
    const act = vi.fn();
    const anywhere = vi.fn();
    probe({ map: { d: act } });
    probe({ map: { k: anywhere }, inFields: true });
    const field = element('input', { type: 'text' });
    expect(press('d', field)).toBe(false);
    expect(press('k', field)).toBe(true);
    expect(act).not.toHaveBeenCalled();
  });

  it('rest below an open dialog', () => {
    const act = vi.fn();
    probe({ map: { d: act } });
    const close = dialogOpened();
    expect(press('d')).toBe(false);
    close();
    expect(press('d')).toBe(true);
  });

  it('leave Enter to buttons and arrows to sliders', () => {
    const act = vi.fn();
    probe({ map: { enter: act, arrowleft: act, '3': act } });
    expect(press('Enter', element('button'))).toBe(false);
    expect(press('ArrowLeft', element('input', { type: 'range' }))).toBe(false);
    expect(press('3', element('input', { type: 'range' }))).toBe(true);
  });

  it('end with their component', async () => {
    const act = vi.fn();
    probe({ map: { d: act } });
    const [one] = probes.splice(0);
    if (one) await unmount(one);
    expect(press('d')).toBe(false);
  });
});
