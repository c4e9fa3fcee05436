import { ARCHS, PRESETS } from '@/ipc/fake/presets';
import type { TrainPreset, TrainSettings } from '@/ipc/types';
import { describe, expect, it } from 'vitest';
import {
  completed,
  faultOf,
  faults,
  fieldsOf,
  NUMBER_FIELDS,
  parseNumber,
  presetOf,
  readNumber,
  stepped,
  writeNumber,
} from './settings';

const [, balanced] = PRESETS;
const settings: TrainSettings = { ...(balanced as TrainPreset).settings };

describe('faults', () => {
  it('finds none in the defaults', () => {
    expect(faults(settings, ARCHS).size).toBe(0);
  });

  it.each(NUMBER_FIELDS.map((field) => [field.key, field] as const))(
    'names %s outside its bounds',
    (key, field) => {
      expect(faultOf(field, writeNumber(settings, key, field.min - 1), ARCHS)?.kind).toBe('range');
      expect(faultOf(field, writeNumber(settings, key, Number.NaN), ARCHS)?.kind).toBe('not_a_number');
    },
  );

  it('wants whole numbers where only those make sense', () => {
    expect(faults({ ...settings, batch_size: 1.5 }, ARCHS).get('batch_size')).toEqual({ kind: 'whole' });
  });

  it('bounds the warm-up by the epochs', () => {
    expect(faults({ ...settings, warmup_epochs: 31 }, ARCHS).get('warmup_epochs')).toEqual({
      kind: 'range',
      min: 0,
      max: 30,
    });
  });
});

describe('image sizes', () => {
  const vit: TrainSettings = { ...settings, arch: 'vit_tiny_patch16_224' };
  const fault = (image_size_px: number, of = vit): unknown =>
    faults({ ...of, image_size_px }, ARCHS).get('image_size_px') ?? null;

  it('are those of the architecture', () => {
    expect(fault(112)).toBeNull();
    expect(fault(100)).toEqual({ kind: 'step', step: 16, below: 96, above: 112 });
    expect(fault(100, settings)).toBeNull();
    expect(fault(16)).toEqual({ kind: 'range', min: 32, max: 1024 });
  });

  it('are walked through by the arrow keys', () => {
    const bounds = { min: 32, max: 1024, step: 16 };
    expect([stepped(112, 1, bounds), stepped(112, -1, bounds)]).toEqual([128, 96]);
    expect([stepped(100, 1, bounds), stepped(100, -1, bounds)]).toEqual([112, 96]);
    expect([stepped(32, -1, bounds), stepped(1024, 1, bounds)]).toEqual([32, 1024]);
    expect(stepped(7, 1, { min: 1, max: 10 })).toBe(8);
  });
});

describe('parseNumber', () => {
  it.each([
    ['0.001', 0.001],
    ['1e-3', 0.001],
    ['0,05', 0.05],
    [' 7 ', 7],
    ['.5', 0.5],
  ])('reads %s', (text, value) => expect(parseNumber(text)).toBe(value));

  it.each(['', 'abc', '1 2', '0x10', '1e', 'Infinity'])('refuses %j', (text) =>
    expect(parseNumber(text)).toBeNaN(),
  );
});

it('writes the crop into the augmentation without touching the original', () => {
  const changed = writeNumber(settings, 'crop_min_scale', 0.5);
  expect(readNumber(changed, 'crop_min_scale')).toBe(0.5);
  expect(settings.augmentation.crop_min_scale).toBe(0.7);
});

it('knows its preset until something other than seed, device or weights changes', () => {
  const presets = [{ name: 'balanced', settings }];
  expect(presetOf({ ...settings, seed: 7, device: 'cpu', weights: 'x' }, presets)).toBe('balanced');
  expect(presetOf({ ...settings, epochs: 31 }, presets)).toBeNull();
  expect(
    presetOf({ ...settings, augmentation: { ...settings.augmentation, flip_vertical: true } }, presets),
  ).toBeNull();
});

it('shows only the numbers that mean something', () => {
  const keys = (part: Partial<TrainSettings>): string[] =>
    (['learning', 'schedule'] as const).flatMap((group) =>
      fieldsOf(group, { ...settings, ...part }).map((field) => field.key),
    );
  expect(keys({})).not.toContain('momentum');
  expect(keys({ optimiser: 'sgd' })).toContain('momentum');
  expect(keys({ schedule: 'one_cycle' })).not.toContain('decay_epochs');
  expect(keys({ schedule: 'plateau' })).toContain('decay_factor');
});

it('holds the micro-batch to the batch and the freeze to the epochs', () => {
  const wrong = faults({ ...settings, micro_batch_size: 33, freeze_backbone_epochs: 31 }, ARCHS);
  expect([...wrong.keys()].sort()).toEqual(['freeze_backbone_epochs', 'micro_batch_size']);
});

it('completes the settings of an older run', () => {
  const old: Partial<TrainSettings> = { ...settings, epochs: 7 };
  delete old.ema_decay;
  const { crop_min_scale } = settings.augmentation;
  const made = completed(
    { ...old, augmentation: { crop_min_scale } as TrainSettings['augmentation'] },
    settings,
  );
  expect(made).toEqual({ ...settings, epochs: 7 });
});
