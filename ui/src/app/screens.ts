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
  /** At the foot of the rail. */
  last?: boolean;
}

export type ScreenComponent = Component<{ route: Route }>;

/** The rail, in order. */
export const SCREENS: readonly Screen[] = [
  { name: 'projects', feature: 'projects', icon: 'projects', label: 'rail.projects' },
  { name: 'data', feature: 'data', icon: 'data', label: 'rail.data' },
  { name: 'annotate', feature: 'viewer', icon: 'annotate', label: 'rail.annotate' },
  { name: 'train', feature: 'train', icon: 'train', label: 'rail.train' },
  { name: 'evaluate', feature: 'evaluate', icon: 'evaluate', label: 'rail.evaluate' },
  { name: 'models', feature: 'models', icon: 'models', label: 'rail.models' },
  { name: 'predict', feature: 'predict', icon: 'predict', label: 'rail.predict' },
  { name: 'settings', feature: 'settings', icon: 'settings', label: 'rail.settings', last: true },
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
