import type { Augmentation, TrainSettings } from '@/ipc/types';

/** A change of training images in the form: its largest strength, its unit, and what it begins with when switched on. */
export interface ChangeField {
  readonly key: ChangeKey;
  readonly unit: 'degrees' | 'share' | 'px' | 'levels' | 'quality';
  readonly max: number;
  readonly step: number;
  readonly usual: number;
}

export type ChangeKey = Exclude<keyof Augmentation, 'crop_min_scale' | 'flip_horizontal' | 'flip_vertical'>;

/** Bounds as the engine checks them, in the order in which the changes are made. */
export const CHANGE_FIELDS: readonly ChangeField[] = [
  { key: 'rotation', unit: 'degrees', max: 180, step: 1, usual: 15 },
  { key: 'translation', unit: 'share', max: 0.5, step: 0.01, usual: 0.1 },
  { key: 'scaling', unit: 'share', max: 0.9, step: 0.01, usual: 0.2 },
  { key: 'shear', unit: 'degrees', max: 45, step: 1, usual: 8 },
  { key: 'perspective', unit: 'share', max: 0.4, step: 0.01, usual: 0.1 },
  { key: 'brightness', unit: 'share', max: 1, step: 0.01, usual: 0.2 },
  { key: 'contrast', unit: 'share', max: 1, step: 0.01, usual: 0.2 },
  { key: 'saturation', unit: 'share', max: 1, step: 0.01, usual: 0.2 },
  { key: 'hue', unit: 'degrees', max: 180, step: 1, usual: 10 },
  { key: 'blur', unit: 'px', max: 5, step: 0.1, usual: 1 },
  { key: 'noise', unit: 'levels', max: 64, step: 1, usual: 8 },
  { key: 'jpeg', unit: 'quality', max: 95, step: 1, usual: 40 },
  { key: 'cutout', unit: 'share', max: 0.7, step: 0.01, usual: 0.3 },
];

const USUAL_PROBABILITY = 0.5;

/** Switched on it begins with its usual strength, off it keeps nothing. */
export function switched(settings: TrainSettings, field: ChangeField, on: boolean): Augmentation {
  return changed(settings, field.key, {
    strength: on ? field.usual : 0,
    probability: USUAL_PROBABILITY,
  });
}

export function changed(
  settings: TrainSettings,
  key: ChangeKey,
  part: { strength?: number; probability?: number },
): Augmentation {
  const { augmentation } = settings;
  return { ...augmentation, [key]: { ...augmentation[key], ...part } };
}
