import { expect, it } from 'vitest';
import { PRESETS } from '@/ipc/fake/presets';
import type { TrainPreset } from '@/ipc/types';
import { CHANGE_FIELDS, changed, switched } from './changes';

const { settings } = PRESETS[0] as TrainPreset;

it('lists every change of the augmentation once', () => {
  const known = Object.keys(settings.augmentation).filter(
    (key) => !['crop_min_scale', 'flip_horizontal', 'flip_vertical'].includes(key),
  );
  expect(CHANGE_FIELDS.map((field) => field.key as string).sort()).toEqual(known.sort());
});

it.each(CHANGE_FIELDS.map((field) => [field.key, field] as const))('switches %s on and off', (key, field) => {
  const on = switched(settings, field, true);
  expect(on[key].strength).toBe(field.usual);
  expect(field.usual).toBeLessThanOrEqual(field.max);
  expect(switched({ ...settings, augmentation: on }, field, false)[key].strength).toBe(0);
  expect(settings.augmentation[key].strength).toBe(0);
});

it('changes strength and probability apart', () => {
  const made = changed(settings, 'blur', { probability: 0.2 });
  expect(made.blur).toEqual({ strength: 0, probability: 0.2 });
  expect(changed({ ...settings, augmentation: made }, 'blur', { strength: 2 }).blur).toEqual({
    strength: 2,
    probability: 0.2,
  });
});
