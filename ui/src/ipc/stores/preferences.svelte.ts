import { languageFor, setLanguage } from '@/core/i18n/index.svelte';
import { readKept } from '@/core/kept';
import { call } from '../client';
import { onChange } from '../query.svelte';
import type { Settings, Theme } from '../types';

/** Also kept in the browser's own storage, so that the first frame has the right colours and words. */
const KEPT = 'visaion.preferences';

class Preferences {
  settings = $state.raw<Settings>({ theme: 'system', language: '', thumbnail_px: 148, cuda_folder: '' });
  #dark = $state(true);
  theme: 'dark' | 'light' = $derived(
    this.settings.theme === 'system' ? (this.#dark ? 'dark' : 'light') : this.settings.theme,
  );

  start(): void {
    const query = window.matchMedia('(prefers-color-scheme: light)');
    this.#dark = !query.matches;
    query.addEventListener('change', (event) => {
      this.#dark = !event.matches;
      this.#show();
    });
    const kept = readKept<Settings>(KEPT);
    if (kept) this.#take({ ...this.settings, ...kept });
    else this.#show();
    onChange(['settings'], () => void this.reload());
    void this.reload();
  }

  async reload(): Promise<void> {
    try {
      this.#take(await call('settings_get', {}));
    } catch {
      // What was kept stays in force; the screens say that the application does not answer.
    }
  }

  /** Shows the change at once, then saves it. */
  async change(part: Partial<Settings>): Promise<void> {
    this.show(part);
    await call('settings_update', this.settings);
  }

  /** Shows a change without saving it yet: while a slider moves. */
  show(part: Partial<Settings>): void {
    this.#take({ ...this.settings, ...part });
  }

  setTheme(theme: Theme): Promise<void> {
    return this.change({ theme });
  }

  #take(settings: Settings): void {
    this.settings = { ...settings, thumbnail_px: settings.thumbnail_px || 148 };
    localStorage.setItem(KEPT, JSON.stringify(this.settings));
    this.#show();
  }

  #show(): void {
    document.documentElement.dataset['theme'] = this.theme;
    setLanguage(languageFor(this.settings.language, navigator.languages));
  }
}

export const preferences = new Preferences();
