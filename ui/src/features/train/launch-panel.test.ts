import { mount, unmount } from 'svelte';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { setLanguage } from '@/core/i18n/index.svelte';
import { useAdapter } from '@/ipc/client';
import { closeEvents } from '@/ipc/events';
import { FakeAdapter } from '@/ipc/fake';
import { resources } from '@/ipc/stores/resources.svelte';
import type { FakeGpu } from '@/ipc/fake/world';
import type { TrainSettings } from '@/ipc/types';
import NewRunPanel from './NewRunPanel.svelte';

let fake: FakeAdapter;
let panel: ReturnType<typeof mount>;

const one = (testid: string): HTMLElement | null => document.querySelector(`[data-testid="${testid}"]`);
const text = (testid: string): string => one(testid)?.textContent?.trim() ?? '';

beforeEach(() => {
  fake = new FakeAdapter('');
  useAdapter(fake);
});
afterEach(async () => {
  await unmount(panel);
  resources.stop();
  closeEvents();
  setLanguage('en');
  document.body.innerHTML = '';
});

/** The form of a new run on such a machine, with a dataset chosen. */
async function open(gpu: FakeGpu, device: TrainSettings['device'] = 'auto'): Promise<void> {
  fake.world.gpu = gpu;
  resources.start();
  await vi.waitFor(() => expect(resources.now).not.toBeNull());
  const settings = { arch: 'resnet18', device, image_size_px: 64 };
  const params = { dataset_id: fake.world.datasets[0]?.id, task: 'classification', settings };
  const job = { id: 'like', kind: 'train', params } as never;
  panel = mount(NewRunPanel, { target: document.body, props: { like: 'like', runs: [job] } });
  await vi.waitFor(() => expect(one('train-devices')).not.toBeNull());
}
const forecast = (): Promise<void> => vi.waitFor(() => expect(one('train-forecast-verdict')).not.toBeNull());

it('says by name what an automatic choice trains on, the GPU where there is one', async () => {
  await open('ready');
  expect(text('train-device-will')).toBe('This run trains on NVIDIA RTX 4060.');
  expect(one('train-devices')?.querySelector('li b')?.textContent).toContain('RTX 4060');
  one('train-device-cpu')?.click();
  await vi.waitFor(() => expect(text('train-device-will')).toBe('This run trains on AMD Ryzen 5 5600.'));
});

it('forecasts the GPU’s memory with what other programs hold of it, and the processor’s without', async () => {
  await open('ready');
  await forecast();
  expect(text('train-forecast-others')).toContain('2 other programs use 2.1 GB of this card: python3 1.8 GB');
  expect(text('train-forecast-others')).toContain('not free for this run');
  one('train-device-cpu')?.click();
  await vi.waitFor(() => expect(one('train-forecast-others')).toBeNull());
});

it('foretells nothing of settings that are wrong', async () => {
  await open('ready');
  await forecast();
  const epochs = one('train-set-epochs') as HTMLInputElement;
  epochs.value = '0';
  epochs.dispatchEvent(new Event('input', { bubbles: true }));
  epochs.dispatchEvent(new Event('change', { bubbles: true }));
  await vi.waitFor(() => expect(one('train-forecast-faults')).not.toBeNull());
  expect(one('train-forecast-verdict')).toBeNull();
});

it('says in the language on screen why the GPU cannot be used, and trains on the processor', async () => {
  setLanguage('zh-CN');
  await open('old_driver');
  expect(text('train-device-will')).toBe('本次训练使用 AMD Ryzen 5 5600。');
  expect(text('train-devices')).toContain('请安装 580 或更新的驱动程序');
  expect(text('train-devices')).not.toContain('too old');
  expect(one('train-device-cuda')).toBeNull();
  await forecast();
  expect(one('train-forecast-others')).toBeNull();
});

it('says what the engine reported in its own words, outside of the sentence', async () => {
  setLanguage('zh-CN');
  await open('unusable');
  expect(text('gpu-reported')).toBe('程序原文：CUDA_ERROR_OUT_OF_MEMORY: out of memory');
  const said = text('train-devices');
  expect(said.indexOf('重新启动 VisAIon 后会再次尝试。')).toBeGreaterThan(0);
  expect(said.indexOf('CUDA_ERROR')).toBeGreaterThan(said.indexOf('重新启动'));
});

it('does not start a run that asks for a GPU where there is none', async () => {
  await open('none', 'cuda');
  expect(text('train-device-none')).toContain('There is no GPU for this run');
  expect((one('train-device-cuda') as HTMLInputElement).checked).toBe(true);
  expect((one('train-start') as HTMLButtonElement).disabled).toBe(true);
  one('train-device-auto')?.click();
  await vi.waitFor(() => expect((one('train-start') as HTMLButtonElement).disabled).toBe(false));
});
