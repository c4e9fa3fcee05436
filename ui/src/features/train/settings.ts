import type { Arch, ImageSizes, TrainSettings } from '@/ipc/types';

/** A number in the form: where it lies, its bounds, its unit and how it is grouped. Words come from the catalogue by `key`. */
export interface NumberField {
  readonly key: NumberKey;
  readonly unit: Unit;
  readonly min: number;
  readonly max: number;
  /** Whole numbers only. */
  readonly whole: boolean;
  readonly group: Group;
}

/** `basic` is always in view, the others are folded away. */
export type Group = 'basic' | 'learning' | 'schedule' | 'generalise' | 'images';

export type NumberKey =
  | 'image_size_px'
  | 'batch_size'
  | 'micro_batch_size'
  | 'epochs'
  | 'learning_rate'
  | 'momentum'
  | 'weight_decay'
  | 'warmup_epochs'
  | 'decay_epochs'
  | 'decay_factor'
  | 'backbone_rate_factor'
  | 'freeze_backbone_epochs'
  | 'ema_decay'
  | 'label_smoothing'
  | 'mixup_alpha'
  | 'clip_norm'
  | 'early_stop_epochs'
  | 'crop_min_scale'
  | 'seed';

export type Unit = 'px' | 'images' | 'epochs' | 'share' | 'factor' | 'none';

/** Bounds as the engine checks them. */
export const NUMBER_FIELDS: readonly NumberField[] = [
  { key: 'image_size_px', unit: 'px', min: 32, max: 1024, whole: true, group: 'basic' },
  { key: 'epochs', unit: 'none', min: 1, max: 10_000, whole: true, group: 'basic' },
  { key: 'batch_size', unit: 'images', min: 1, max: 1024, whole: true, group: 'basic' },
  { key: 'learning_rate', unit: 'none', min: 1e-9, max: 10, whole: false, group: 'learning' },
  { key: 'momentum', unit: 'share', min: 0, max: 0.999, whole: false, group: 'learning' },
  { key: 'weight_decay', unit: 'none', min: 0, max: 10, whole: false, group: 'learning' },
  { key: 'backbone_rate_factor', unit: 'share', min: 0, max: 1, whole: false, group: 'learning' },
  { key: 'freeze_backbone_epochs', unit: 'epochs', min: 0, max: 10_000, whole: true, group: 'learning' },
  { key: 'clip_norm', unit: 'none', min: 0, max: 1e6, whole: false, group: 'learning' },
  { key: 'micro_batch_size', unit: 'images', min: 0, max: 1024, whole: true, group: 'learning' },
  { key: 'seed', unit: 'none', min: 0, max: Number.MAX_SAFE_INTEGER, whole: true, group: 'learning' },
  { key: 'warmup_epochs', unit: 'epochs', min: 0, max: 10_000, whole: false, group: 'schedule' },
  { key: 'decay_epochs', unit: 'epochs', min: 1, max: 10_000, whole: true, group: 'schedule' },
  { key: 'decay_factor', unit: 'factor', min: 0.01, max: 0.99, whole: false, group: 'schedule' },
  { key: 'early_stop_epochs', unit: 'epochs', min: 0, max: 10_000, whole: true, group: 'schedule' },
  { key: 'ema_decay', unit: 'share', min: 0, max: 0.99999, whole: false, group: 'generalise' },
  { key: 'label_smoothing', unit: 'share', min: 0, max: 0.5, whole: false, group: 'generalise' },
  { key: 'mixup_alpha', unit: 'none', min: 0, max: 10, whole: false, group: 'generalise' },
  { key: 'crop_min_scale', unit: 'share', min: 0.05, max: 1, whole: false, group: 'images' },
];

/** The fields of a group that mean something with these choices. */
export function fieldsOf(group: Group, settings: TrainSettings): readonly NumberField[] {
  const decays = settings.schedule === 'step' || settings.schedule === 'plateau';
  return NUMBER_FIELDS.filter((field) => {
    if (field.group !== group) return false;
    if (field.key === 'momentum') return settings.optimiser === 'sgd';
    if (field.key === 'decay_epochs' || field.key === 'decay_factor') return decays;
    return true;
  });
}

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
  | { readonly kind: 'range'; readonly min: number; readonly max: number }
  | { readonly kind: 'step'; readonly step: number; readonly below: number; readonly above: number };

export function faultOf(field: NumberField, settings: TrainSettings, archs: readonly Arch[]): Fault | null {
  const value = readNumber(settings, field.key);
  const { min, max, step } = boundsOf(field, settings, archs);
  if (!Number.isFinite(value)) return { kind: 'not_a_number' };
  if (field.whole && !Number.isInteger(value)) return { kind: 'whole' };
  if (value < min || value > max) return { kind: 'range', min, max };
  const above = step === undefined ? value : Math.ceil(value / step) * step;
  return step === undefined || above === value ? null : { kind: 'step', step, below: above - step, above };
}

export interface Bounds {
  readonly min: number;
  readonly max: number;
  /** Multiples of it; undefined: any number. */
  readonly step?: number;
}

/** Some numbers are held by another one, and the image size by the architecture. */
export function boundsOf(field: NumberField, settings: TrainSettings, archs: readonly Arch[]): Bounds {
  const { min } = field;
  switch (field.key) {
    case 'image_size_px': {
      const sizes = sizesOf(settings, archs);
      return sizes ? { min: sizes.min_px, max: sizes.max_px, step: sizes.step_px } : field;
    }
    case 'warmup_epochs':
    case 'freeze_backbone_epochs':
      return { min, max: settings.epochs };
    case 'micro_batch_size':
      return { min, max: settings.batch_size };
    default:
      return { min, max: field.max };
  }
}

function sizesOf(settings: TrainSettings, archs: readonly Arch[]): ImageSizes | undefined {
  return archs.find((arch) => arch.name === settings.arch)?.image_sizes;
}

/** The number after a press of an arrow key: to the next multiple of the step, inside the bounds. */
export function stepped(value: number, by: 1 | -1, { min, max, step = 1 }: Bounds): number {
  const next = by > 0 ? Math.floor(value / step + 1) * step : Math.ceil(value / step - 1) * step;
  return Math.min(max, Math.max(min, next));
}

export function faults(settings: TrainSettings, archs: readonly Arch[]): Map<NumberKey, Fault> {
  const found = new Map<NumberKey, Fault>();
  for (const field of NUMBER_FIELDS) {
    const fault = faultOf(field, settings, archs);
    if (fault) found.set(field.key, fault);
  }
  return found;
}

/** A number as typed: decimal comma allowed, `1e-3` too; NaN for what is none (empty included). */
export function parseNumber(text: string): number {
  const plain = text.trim().replace(',', '.');
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : Number.NaN;
}

/** The preset that these settings are (seed, device and weights aside), null once something was changed. */
export function presetOf(
  settings: TrainSettings,
  presets: readonly { name: string; settings: TrainSettings }[],
): string | null {
  const key = (s: TrainSettings): string => canonical({ ...s, seed: 0, device: 'auto', weights: null });
  return presets.find((preset) => key(preset.settings) === key(settings))?.name ?? null;
}

/** Settings of an earlier run, which may lack what a newer version knows: the rest is that of `base`. */
export function completed(settings: Partial<TrainSettings>, base: TrainSettings): TrainSettings {
  const augmentation = { ...base.augmentation, ...settings.augmentation };
  return { ...base, ...settings, augmentation };
}

/** The same text for the same values, whatever the order of the fields. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, part]) => `${key}:${canonical(part)}`).join()}}`;
}
