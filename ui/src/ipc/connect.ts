import type { Adapter } from './adapter';
import { exchangeCode, HttpAdapter } from './http';

/** The adapter for where this page runs. The fake exists only in builds of mode "fake". */
export async function connect(): Promise<Adapter> {
  if (import.meta.env.MODE === 'fake') {
    const { FakeAdapter } = await import('./fake');
    return new FakeAdapter();
  }
  if ('__TAURI_INTERNALS__' in window) {
    const { TauriAdapter } = await import('./tauri');
    return new TauriAdapter();
  }
  await exchangeCode(window.location, window.history);
  return new HttpAdapter();
}
