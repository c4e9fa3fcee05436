import { t } from '@/core/i18n/index.svelte';
import { call } from '@/ipc/client';
import { sampleView } from '@/ipc/stores/sample-view.svelte';
import { workspace } from '@/ipc/stores/workspace.svelte';
import { allActions, type Action } from '@/shared/state/actions.svelte';
import { attempt } from '@/shared/state/errors';
import { go } from '@/shared/state/router.svelte';
import type { IconName } from '@/shared/ui';
import { availableScreens } from './screens';

export interface Entry extends Action {
  group: string;
  icon: IconName;
  hint?: string;
}

/** Names found in the library, asked for once when the palette opens. */
export async function libraryEntries(): Promise<Entry[]> {
  const [projects, datasets, models] = await Promise.all([
    call('project_list', { limit: 200 }),
    call('dataset_list', { limit: 200 }),
    call('model_list', { limit: 200 }),
  ]);
  return [
    ...projects.items.map((project): Entry => ({
      id: project.id,
      group: t('palette.group.projects'),
      icon: 'projects',
      label: project.name,
      hint: t('common.samples', { n: project.sample_count }),
      run: () => void attempt(() => workspace.openProject(project)).then(() => go('data')),
    })),
    ...datasets.items.map((dataset): Entry => ({
      id: dataset.id,
      group: t('palette.group.datasets'),
      icon: 'data',
      label: dataset.name,
      hint: t('common.samples', { n: dataset.sample_count }),
      run: () => go('data', [dataset.id]),
    })),
    ...models.items.map((model): Entry => ({
      id: model.id,
      group: t('palette.group.models'),
      icon: 'models',
      label: model.name,
      run: () => go('models', [model.id]),
    })),
  ];
}

export function screenEntries(): Entry[] {
  return availableScreens.map((screen) => ({
    id: screen.name,
    group: t('palette.group.screens'),
    icon: screen.icon,
    label: t(screen.label),
    words: screen.name,
    run: () => go(screen.name),
  }));
}

export function actionEntries(): Entry[] {
  return allActions().map((action) => ({ ...action, group: t('palette.group.actions'), icon: 'right' }));
}

/** The last resort of any text: look for it among the samples. */
export function searchEntry(text: string): Entry[] {
  const dataset = workspace.dataset;
  if (!text || !dataset) return [];
  return [
    {
      id: 'search-samples',
      group: t('palette.group.actions'),
      icon: 'search',
      label: t('palette.search_samples', { text }),
      run: () => {
        sampleView.open(dataset.id);
        sampleView.narrow({ search: text });
        go('data', [dataset.id]);
      },
    },
  ];
}

/** Entries that hold every word of `text`, those that begin with it first. */
export function matching(entries: readonly Entry[], text: string): Entry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = entries.filter((entry) => {
    const held = `${entry.label} ${entry.words ?? ''} ${entry.group}`.toLowerCase();
    return words.every((word) => held.includes(word));
  });
  const first = words[0];
  if (!first) return found;
  const begins = (entry: Entry): number => (entry.label.toLowerCase().startsWith(first) ? 0 : 1);
  return found.sort((a, b) => begins(a) - begins(b));
}
