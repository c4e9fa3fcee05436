import { afterEach, expect, it } from 'vitest';
import { setLanguage } from '@/core/i18n/index.svelte';
import { gpuReasonWords } from './gpu-reason';
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
  library_of_other_version: {
    code: 'library_of_other_version',
    library: '/opt/x/libcudnn.so.9',
    found_cuda_version: '12',
    required_cuda_version: '13',
  },
  engine_missing: { code: 'engine_missing', file: 'libva_cuda.so' },
  engine_unusable: { code: 'engine_unusable', detail: 'E7' },
};

/** What a reason names: it stands in the sentence of every language. What was reported stands beside it. */
function named(reason: GpuReason): string[] {
  return Object.entries(reason).flatMap(([key, value]) => {
    if (key === 'code' || key === 'detail') return [];
    if (key === 'cause') return named(value as GpuReason);
    return Array.isArray(value) ? value.map(String) : [String(value)];
  });
}

it.each(Object.values(EVERY))('says $code in both languages, with what it names', (reason) => {
  const english = gpuReasonWords(reason, 'sentence');
  setLanguage('zh-CN');
  const chinese = gpuReasonWords(reason, 'sentence');
  expect(chinese.text).toMatch(/\p{Script=Han}{4}/u);
  expect(english.text).not.toBe('sentence');
  expect(english.text).not.toMatch(/\p{Script=Han}/u);
  for (const { text, reported } of [english, chinese]) {
    for (const name of named(reason)) expect(text).toContain(name);
    expect(text).not.toMatch(/[{}]/);
    expect(text).not.toContain('E7');
    expect(reported).toBe('detail' in reason ? 'E7' : null);
  }
});

it('keeps what was reported of a card beside the sentence that names the card', () => {
  const cause: GpuReason = { code: 'driver_error', detail: 'unknown error (999)' };
  const { text, reported } = gpuReasonWords({ code: 'card_unreadable', index: 1, cause }, 'sentence');
  expect(text).toMatch(/^GPU 1 .*driver/);
  expect(reported).toBe('unknown error (999)');
});

it('gives the sentence where there is no code, or one of a newer version', () => {
  const newer = { code: 'moon_in_the_way', detail: 'E7' } as unknown as GpuReason;
  const sentence = { text: 'The sentence.', reported: null };
  expect(gpuReasonWords(null, 'The sentence.')).toEqual(sentence);
  expect(gpuReasonWords(newer, 'The sentence.')).toEqual(sentence);
  expect(gpuReasonWords({ code: 'card_unreadable', index: 0, cause: newer }, 'The sentence.')).toEqual(
    sentence,
  );
});
