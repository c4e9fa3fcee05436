import type { Component } from 'svelte';
import type { PlainKey } from '@/core/i18n/index.svelte';
import type { Route } from '@/core/route';
import type { IconName } from '@/shared/ui';

export interface Screen {
  /** First segment of the address. */
  name: string;
  /** Folder below `features/`; its `Screen.svelte` is loaded when the screen is first opened. */
  feature: string;
  icon: IconName;
  label: PlainKey;
  /** What it shows a part of, for the crumb: the open dataset, the open project, or the whole library. */
  within: 'dataset' | 'project' | 'library';
  /** At the foot of the rail. */
  last?: boolean;
}

export type ScreenComponent = Component<{ route: Route }>;

/** The rail, in order. */
export const SCREENS: readonly Screen[] = [
  { name: 'projects', feature: 'projects', icon: 'projects', label: 'rail.projects', within: 'library' },
  { name: 'data', feature: 'data', icon: 'data', label: 'rail.data', within: 'dataset' },
  { name: 'annotate', feature: 'viewer', icon: 'annotate', label: 'rail.annotate', within: 'dataset' },
  { name: 'train', feature: 'train', icon: 'train', label: 'rail.train', within: 'project' },
  { name: 'evaluate', feature: 'evaluate', icon: 'evaluate', label: 'rail.evaluate', within: 'library' },
  { name: 'models', feature: 'models', icon: 'models', label: 'rail.models', within: 'library' },
  { name: 'predict', feature: 'predict', icon: 'predict', label: 'rail.predict', within: 'library' },
  {
    name: 'settings',
    feature: 'settings',
    icon: 'settings',
    label: 'rail.settings',
    within: 'library',
    last: true,
  },
];

const modules = import.meta.glob<{ default: ScreenComponent }>('../features/*/Screen.svelte');

/** The screens this build holds. */
export const availableScreens: readonly Screen[] = SCREENS.filter((s) => fileOf(s) in modules);

export async function loadScreen(screen: Screen): Promise<ScreenComponent> {
  const load = modules[fileOf(screen)];
  if (!load) throw new Error(`BUG: no screen ${screen.feature}`);
  return (await load()).default;
}

function fileOf(screen: Screen): string {
  return `../features/${screen.feature}/Screen.svelte`;
}
