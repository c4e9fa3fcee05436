import { app } from './app';
import { charts } from './charts';
import { common } from './common';
import { data } from './data';
import { evaluate } from './evaluate';
import { explain } from './explain';
import { faults } from './faults';
import { gpu } from './gpu';
import { gpuPack } from './gpu-pack';
import { importing } from './importing';
import { models } from './models';
import { predict } from './predict';
import { projects } from './projects';
import { settings } from './settings';
import { train } from './train';
import { trainForm } from './train-form';
import { trainSettings } from './train-settings';
import { viewer } from './viewer';
import { weights } from './weights';

/** Every text on screen, in English; one file a screen or a part of one. Keys are `screen.what`. */
export const en = {
  ...common,
  ...app,
  ...projects,
  ...data,
  ...importing,
  ...viewer,
  ...settings,
  ...charts,
  ...train,
  ...trainForm,
  ...trainSettings,
  ...evaluate,
  ...explain,
  ...faults,
  ...models,
  ...predict,
  ...weights,
  ...gpu,
  ...gpuPack,
} as const;
