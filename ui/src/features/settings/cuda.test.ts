import { mount, unmount } from 'svelte';
import { afterEach, expect, it } from 'vitest';
import { setLanguage } from '@/core/i18n/index.svelte';
import type { CudaStatus } from '@/ipc/types';
import Cuda from './Cuda.svelte';

const STATUS: CudaStatus = {
  driver_cuda_version: '13.0',
  required_cuda_version: '13.0',
  libraries: [{ file: 'libcudnn.so.9', purpose: 'convolutions', path: null }],
  other_versions: [{ folder: '/home/me/venv', major_versions: [11, 12] }],
  plugin_path: null,
  ready: false,
  note: '',
  reason: { code: 'libraries_missing', files: ['libcudnn.so.9'] },
};

let shown: ReturnType<typeof mount> | null = null;

function terms(status: CudaStatus): string[] {
  shown = mount(Cuda, { target: document.body, props: { status } });
  const parts = [...document.querySelectorAll('dt, dd')];
  return parts.map((part) => part.textContent?.trim() ?? '');
}

afterEach(async () => {
  if (shown) await unmount(shown);
  document.body.innerHTML = '';
  setLanguage('en');
});

it('names places whose libraries are of another major version', () => {
  const shown = terms(STATUS);
  expect(shown[shown.indexOf('/home/me/venv') - 1]).toBe('CUDA 11, 12, not used');
});

it('says so in Chinese, and nothing where there is none', () => {
  setLanguage('zh-CN');
  expect(terms(STATUS)).toContain('CUDA 11, 12，不使用');
  document.body.innerHTML = '';
  expect(terms({ ...STATUS, other_versions: [] }).join()).not.toContain('不使用');
});
