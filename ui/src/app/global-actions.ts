import { t, type PlainKey } from '@/core/i18n/index.svelte';
import { preferences } from '@/ipc/stores/preferences.svelte';
import type { Action } from '@/shared/state/actions.svelte';
import { attempt } from '@/shared/state/errors';
import { intents } from '@/shared/state/intents.svelte';

/** What can be done from anywhere. */
export function globalActions(): Action[] {
  const prefer = (id: string, key: PlainKey, part: Parameters<typeof preferences.change>[0]): Action => ({
    id,
    label: t(key),
    run: () => void attempt(() => preferences.change(part)),
  });
  return [
    {
      id: 'import',
      label: t('palette.import'),
      words: 'add open folder drop',
      run: () => (intents.importing = { picked: null }),
    },
    { id: 'keys', label: t('palette.keys'), keys: '?', run: () => (intents.keySheet = true) },
    prefer('theme-dark', 'palette.theme_dark', { theme: 'dark' }),
    prefer('theme-light', 'palette.theme_light', { theme: 'light' }),
    prefer('theme-system', 'palette.theme_system', { theme: 'system' }),
    prefer('language-en', 'palette.language_en', { language: 'en' }),
    prefer('language-zh', 'palette.language_zh', { language: 'zh-CN' }),
  ];
}
