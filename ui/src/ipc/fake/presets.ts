import type { Arch, TrainPreset, TrainSettings } from '../types';

const OFF = { strength: 0, probability: 0.5 };

const BALANCED: TrainSettings = {
  arch: 'resnet18',
  weights: null,
  image_size_px: 128,
  batch_size: 32,
  micro_batch_size: 0,
  epochs: 30,
  precision: 'f32',
  activation_checkpointing: false,
  optimiser: 'adam_w',
  learning_rate: 1e-3,
  momentum: 0.9,
  weight_decay: 0.05,
  schedule: 'cosine',
  warmup_epochs: 2,
  decay_epochs: 10,
  decay_factor: 0.1,
  backbone_rate_factor: 1,
  freeze_backbone_epochs: 0,
  ema_decay: 0,
  label_smoothing: 0,
  mixup_alpha: 0,
  class_balance: 'none',
  clip_norm: 1,
  early_stop_epochs: 0,
  augmentation: {
    crop_min_scale: 0.7,
    flip_horizontal: true,
    flip_vertical: false,
    rotation: OFF,
    translation: OFF,
    scaling: OFF,
    shear: OFF,
    perspective: OFF,
    brightness: OFF,
    contrast: OFF,
    saturation: OFF,
    hue: OFF,
    blur: OFF,
    noise: OFF,
    jpeg: OFF,
    cutout: OFF,
  },
  seed: 42,
  device: 'auto',
};

export const PRESETS: TrainPreset[] = [
  { name: 'fast', settings: { ...BALANCED, image_size_px: 64, epochs: 10, warmup_epochs: 1 } },
  { name: 'balanced', settings: BALANCED },
  {
    name: 'accurate',
    settings: {
      ...BALANCED,
      arch: 'resnet34',
      image_size_px: 224,
      epochs: 60,
      label_smoothing: 0.1,
      warmup_epochs: 3,
    },
  },
];

const arch = (name: string, summary: string, step_px = 1): Arch => ({
  name,
  summary,
  default_image_size_px: 224,
  image_sizes: { min_px: 32, max_px: 1024, step_px },
});

export const ARCHS: Arch[] = [
  arch('resnet18', '18 layers, 11.7 M parameters: fast, the usual first choice'),
  arch('resnet34', '34 layers, 21.8 M parameters: more accurate, about twice the time'),
  arch('vit_tiny_patch16_224', 'transformer, 5.7 M parameters: needs pretrained weights', 16),
];

export function settingsOf(preset: string, part: Partial<TrainSettings> = {}): TrainSettings {
  return { ...(PRESETS.find((p) => p.name === preset)?.settings ?? BALANCED), ...part };
}
