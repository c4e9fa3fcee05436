import { afterEach, expect, it } from 'vitest';
import { setLanguage } from '@/core/i18n/index.svelte';
import { gpuReasonText } from './gpu-reason';
import type { GpuReason } from './types';

afterEach(() => setLanguage('en'));

/** One of each code: a new one does not compile without a line here. */
const EVERY: { [C in GpuReason['code']]: Extract<GpuReason, { code: C }> } = {
  driver_missing: { code: 'driver_missing', library: 'libcuda.so.1' },
  driver_not_loaded: { code: 'driver_not_loaded' },
  driver_replaced: { code: 'driver_replaced' },
  driver_refuses: { code: 'driver_refuses' },
  driver_silent: { code: 'driver_silent', status: 1003 },
  driver_foreign: { code: 'driver_foreign', library: 'libcuda.so.1' },
  driver_too_old: {
    code: 'driver_too_old',
    supported_cuda_version: '12.6',
    required_cuda_version: '13.0',
    required_driver: '580',
  },
  driver_error: { code: 'driver_error', detail: 'E7' },
  no_card: { code: 'no_card', driver: '580.95' },
  card_lost: { code: 'card_lost' },
  card_unreadable: { code: 'card_unreadable', index: 1, cause: { code: 'no_card', driver: '580.95' } },
  card_unusable: { code: 'card_unusable', detail: 'E7' },
  libraries_missing: { code: 'libraries_missing', files: ['libcudnn.so.9', 'libcublas.so.13'] },
  engine_missing: { code: 'engine_missing', file: 'libva_cuda.so' },
  engine_unusable: { code: 'engine_unusable', detail: 'E7' },
};

/** What a reason names: it stands in the sentence of every language. */
function named(reason: GpuReason): string[] {
  return Object.entries(reason).flatMap(([key, value]) => {
    if (key === 'code') return [];
    if (key === 'cause') return named(value as GpuReason);
    return Array.isArray(value) ? value.map(String) : [String(value)];
  });
}

it.each(Object.values(EVERY))('says $code in both languages, with what it names', (reason) => {
  const english = gpuReasonText(reason, 'sentence');
  setLanguage('zh-CN');
  const chinese = gpuReasonText(reason, 'sentence');
  expect(chinese).toMatch(/\p{Script=Han}{4}/u);
  expect(english).not.toBe('sentence');
  expect(english).not.toMatch(/\p{Script=Han}/u);
  for (const text of [english, chinese]) {
    for (const name of named(reason)) expect(text).toContain(name);
    expect(text).not.toMatch(/[{}]/);
  }
});

it('gives the sentence where there is no code, or one of a newer version', () => {
  const newer = { code: 'moon_in_the_way' } as unknown as GpuReason;
  expect(gpuReasonText(null, 'The sentence.')).toBe('The sentence.');
  expect(gpuReasonText(newer, 'The sentence.')).toBe('The sentence.');
  expect(gpuReasonText({ code: 'card_unreadable', index: 0, cause: newer }, 'The sentence.')).toBe(
    'The sentence.',
  );
});
