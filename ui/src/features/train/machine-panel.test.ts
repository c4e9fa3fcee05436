import { mount, unmount } from 'svelte';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { setLanguage } from '@/core/i18n/index.svelte';
import { useAdapter } from '@/ipc/client';
import { closeEvents } from '@/ipc/events';
import { FakeAdapter } from '@/ipc/fake';
import { snapshot } from '@/ipc/fake/machine';
import { resources } from '@/ipc/stores/resources.svelte';
import type { GpuUsage } from '@/ipc/types';
import MachinePanel from './MachinePanel.svelte';

let fake: FakeAdapter;
let panel: ReturnType<typeof mount> | undefined;

const text = (): string => document.querySelector('[data-testid="machine-panel"]')?.textContent ?? '';

beforeEach(() => {
  fake = new FakeAdapter('');
  useAdapter(fake);
});
afterEach(async () => {
  if (panel) await unmount(panel);
  resources.stop();
  closeEvents();
  setLanguage('en');
  document.body.innerHTML = '';
});

/** The panel over a machine whose card reports this. */
async function show(part: Partial<GpuUsage> = {}): Promise<void> {
  resources.start();
  await vi.waitFor(() => expect(resources.history).toHaveLength(120));
  const now = snapshot(fake.world, Date.now());
  resources.history = [{ ...now, gpus: now.gpus.map((gpu) => ({ ...gpu, ...part })) }];
  panel = mount(MachinePanel, { target: document.body });
}

it('shows what the card reports, the clock with its unit, and who else uses it', async () => {
  await show({ sm_clock_mhz: 2460 });
  expect(text()).toContain('SM clock2,460 MHz');
  expect(text()).toContain('5.1 GB / 8.0 GB');
  expect(document.querySelector('[data-testid="gpu-others"]')?.textContent).toBe(
    '2 other programs use 2.1 GB of this card: python3 1.8 GB, Xorg 307 MB.',
  );
  expect(document.querySelector('[data-testid="gpu-note"]')).toBeNull();
});

it('speaks Chinese', async () => {
  setLanguage('zh-CN');
  await show({ sm_clock_mhz: 2460 });
  expect(text()).toContain('SM 频率2,460 MHz');
  expect(text()).toContain('另有 2 个程序占用此卡 2.1 GB 显存');
});

it('follows the card, once a second', async () => {
  await show();
  const clock = (): string | undefined => /SM clock([\d,]+) MHz/.exec(text())?.[1];
  const before = resources.history.length;
  await vi.waitFor(() => expect(resources.history.length).toBeGreaterThan(before + 1), 4000);
  expect(clock()).toBe(resources.now?.gpus[0]?.sm_clock_mhz?.toLocaleString('en'));
});

it('leaves out what the card does not report', async () => {
  await show({
    utilisation_percent: null,
    memory_used_bytes: null,
    temperature_celsius: null,
    power_watts: null,
    sm_clock_mhz: null,
    other_programs: null,
  });
  expect(text()).toContain('NVIDIA RTX 4060');
  for (const word of ['Utilisation', 'Temperature', 'Power', 'SM clock', 'MHz', ' W', '°C', 'of this card'])
    expect(text()).not.toContain(word);
});

it('says in the language on screen why a machine shows no card, and why one of two is missing', async () => {
  setLanguage('zh-CN');
  await show();
  const now = resources.now;
  if (!now) throw new Error('nothing was measured');
  const gpu_reason = { code: 'card_unreadable', index: 1, cause: { code: 'card_lost' } } as const;
  resources.history = [{ ...now, gpu_note: 'GPU 1 cannot be read.', gpu_reason }];
  await vi.waitFor(() =>
    expect(document.querySelector('[data-testid="gpu-note"]')?.textContent).toContain('无法读取 GPU 1'),
  );
  expect(text()).toContain('NVIDIA RTX 4060');
  fake.world.gpu = 'none';
  resources.history = [snapshot(fake.world, Date.now())];
  await vi.waitFor(() => expect(text()).toContain('未找到 NVIDIA 驱动程序'));
  expect(text()).not.toContain('No NVIDIA driver');
});
