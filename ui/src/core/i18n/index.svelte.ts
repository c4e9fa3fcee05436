import { en } from './en';
import { fill, type PlacesOf, type Values } from './message';
import { zhCN } from './zh-CN';

export type Catalogue = typeof en;
export type Key = keyof Catalogue;
export type Language = 'en' | 'zh-CN';
export const LANGUAGES: readonly Language[] = ['en', 'zh-CN'];

const catalogues = { en, 'zh-CN': zhCN } as const;
let language = $state<Language>('en');

/** The language on screen; reading it in a component makes the component follow it. */
export function currentLanguage(): Language {
  return language;
}

export function setLanguage(next: Language): void {
  language = next;
  if (typeof document !== 'undefined') document.documentElement.lang = next;
}

/** The language of a setting, or of the system where the setting is empty. */
export function languageFor(setting: string, system: readonly string[]): Language {
  const wanted = setting ? [setting] : system;
  for (const tag of wanted) {
    if (tag.toLowerCase().startsWith('zh')) return 'zh-CN';
    if (tag.toLowerCase().startsWith('en')) return 'en';
  }
  return 'en';
}

/** A key whose text needs no values. */
export type PlainKey = { [K in Key]: [PlacesOf<Catalogue[K]>] extends [never] ? K : never }[Key];

type Arguments<K extends Key> = [PlacesOf<Catalogue[K]>] extends [never]
  ? []
  : [values: { readonly [P in PlacesOf<Catalogue[K]>]: string | number }];

/** The text of `key` in the language on screen. A key with places or a plural must be given their values. */
export function t<K extends Key>(key: K, ...values: Arguments<K>): string {
  const filled: Values = values[0] ?? {};
  return fill(catalogues[language][key] ?? en[key], filled, language);
}
