import type { TrainSettings } from '@/ipc/types';

/** A number in the form: where it lies, its bounds, its unit and how it is grouped. Words come from the catalogue by `key`. */
export interface NumberField {
  readonly key: NumberKey;
  readonly unit: Unit;
  readonly min: number;
  readonly max: number;
  /** Whole numbers only. */
  readonly whole: boolean;
  readonly group: 'basic' | 'learning' | 'images';
}

export type NumberKey =
  | 'image_size_px'
  | 'batch_size'
  | 'epochs'
  | 'learning_rate'
  | 'weight_decay'
  | 'warmup_epochs'
  | 'label_smoothing'
  | 'clip_norm'
  | 'early_stop_epochs'
  | 'crop_min_scale'
  | 'seed';

export type Unit = 'px' | 'images' | 'epochs' | 'share' | 'none';

/** Bounds as the engine checks them. */
export const NUMBER_FIELDS: readonly NumberField[] = [
  { key: 'image_size_px', unit: 'px', min: 32, max: 1024, whole: true, group: 'basic' },
  { key: 'epochs', unit: 'epochs', min: 1, max: 10_000, whole: true, group: 'basic' },
  { key: 'batch_size', unit: 'images', min: 1, max: 1024, whole: true, group: 'basic' },
  { key: 'learning_rate', unit: 'none', min: 1e-9, max: 10, whole: false, group: 'learning' },
  { key: 'weight_decay', unit: 'none', min: 0, max: 10, whole: false, group: 'learning' },
  { key: 'warmup_epochs', unit: 'epochs', min: 0, max: 10_000, whole: false, group: 'learning' },
  { key: 'label_smoothing', unit: 'share', min: 0, max: 0.5, whole: false, group: 'learning' },
  { key: 'clip_norm', unit: 'none', min: 0, max: 1e6, whole: false, group: 'learning' },
  { key: 'early_stop_epochs', unit: 'epochs', min: 0, max: 10_000, whole: true, group: 'learning' },
  { key: 'seed', unit: 'none', min: 0, max: Number.MAX_SAFE_INTEGER, whole: true, group: 'learning' },
  { key: 'crop_min_scale', unit: 'share', min: 0.05, max: 1, whole: false, group: 'images' },
];

export function readNumber(settings: TrainSettings, key: NumberKey): number {
  return key === 'crop_min_scale' ? settings.augmentation.crop_min_scale : settings[key];
}

export function writeNumber(settings: TrainSettings, key: NumberKey, value: number): TrainSettings {
  if (key === 'crop_min_scale') {
    return { ...settings, augmentation: { ...settings.augmentation, crop_min_scale: value } };
  }
  return { ...settings, [key]: value };
}

/** What is wrong with a number: it is not one, must be whole, or lies outside its bounds. */
export type Fault =
  | { readonly kind: 'not_a_number' }
  | { readonly kind: 'whole' }
  | { readonly kind: 'range'; readonly min: number; readonly max: number };

export function faultOf(field: NumberField, settings: TrainSettings): Fault | null {
  const value = readNumber(settings, field.key);
  const max = field.key === 'warmup_epochs' ? settings.epochs : field.max;
  if (!Number.isFinite(value)) return { kind: 'not_a_number' };
  if (field.whole && !Number.isInteger(value)) return { kind: 'whole' };
  if (value < field.min || value > max) return { kind: 'range', min: field.min, max };
  return null;
}

export function faults(settings: TrainSettings): Map<NumberKey, Fault> {
  const found = new Map<NumberKey, Fault>();
  for (const field of NUMBER_FIELDS) {
    const fault = faultOf(field, settings);
    if (fault) found.set(field.key, fault);
  }
  return found;
}

/** A number as typed: decimal comma allowed, `1e-3` too; NaN for what is none (empty included). */
export function parseNumber(text: string): number {
  const plain = text.trim().replace(',', '.');
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : Number.NaN;
}

/** The preset that these settings are (seed and device aside), null once something was changed. */
export function presetOf(
  settings: TrainSettings,
  presets: readonly { name: string; settings: TrainSettings }[],
): string | null {
  const key = (s: TrainSettings): string =>
    JSON.stringify([
      s.arch,
      s.optimiser,
      NUMBER_FIELDS.filter((f) => f.key !== 'seed').map((f) => readNumber(s, f.key)),
      s.augmentation.flip_horizontal,
      s.augmentation.flip_vertical,
    ]);
  return presets.find((preset) => key(preset.settings) === key(settings))?.name ?? null;
}
