import { mount, tick, unmount } from 'svelte';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { useAdapter } from '@/ipc/client';
import { closeEvents } from '@/ipc/events';
import { FakeAdapter } from '@/ipc/fake';
import { setGpuPack } from '@/ipc/fake/gpu-pack';
import { jobs } from '@/ipc/stores/jobs.svelte';
import GpuPack from './GpuPack.svelte';

let fake: FakeAdapter;
let section: ReturnType<typeof mount>;

const one = (testid: string): HTMLElement | null => document.querySelector(`[data-testid="${testid}"]`);
const state = (): string => one('gpu-pack-state')?.textContent?.trim() ?? '';
const asked = (name: string): unknown[] => fake.calls.filter((c) => c.name === name).map((c) => c.request);

beforeEach(async () => {
  fake = new FakeAdapter('');
  useAdapter(fake);
  jobs.start();
  section = mount(GpuPack, { target: document.body });
  await vi.waitFor(() => expect(one('gpu-pack-state')).not.toBeNull());
});
afterEach(async () => {
  await unmount(section);
  jobs.stop();
  closeEvents();
  document.body.innerHTML = '';
});

it('downloads only after the licences were agreed to, and shows how far it is', async () => {
  expect(state()).toBe('not installed');
  one('gpu-pack-download')?.click();
  await vi.waitFor(() => expect(one('gpu-pack-start')).not.toBeNull());
  const dialog = one('gpu-pack-dialog');
  expect(dialog?.textContent).toContain('End User License Agreement (proprietary)');
  expect(dialog?.textContent).toContain('https://licences.example/cudnn');
  const start = one('gpu-pack-start') as HTMLButtonElement;
  expect(start.disabled).toBe(true);
  one('gpu-pack-agree')?.click();
  await tick();
  await vi.waitFor(() => expect(start.disabled).toBe(false));
  start.click();
  await vi.waitFor(() => expect(asked('gpu_pack_download')).toEqual([{ agree_licence: true }]));
  await vi.waitFor(() => expect(state()).toMatch(/downloading .+ of .+/));
  expect(one('gpu-pack-download')).toBeNull();
  await vi.waitFor(() => expect(state()).toBe('installed'), 5000);
  expect(one('gpu-pack')?.textContent).toContain('cuda-13.0.2-cudnn-9.19.0');
});

it('takes a file, verifies and removes', async () => {
  fake.picked = { kind: 'paths', paths: ['/stick/pack.zip'] };
  one('gpu-pack-file')?.click();
  await vi.waitFor(() => expect(asked('gpu_pack_install')).toEqual([{ path: '/stick/pack.zip' }]));
  await vi.waitFor(() => expect(state()).toBe('installed'), 5000);
  expect(one('gpu-pack-file')).toBeNull();
  one('gpu-pack-verify')?.click();
  await vi.waitFor(() => expect(asked('gpu_pack_verify')).toHaveLength(1));
  await vi.waitFor(() => expect(state()).not.toBe('installed'));
  await vi.waitFor(() => expect(state()).toBe('installed'), 5000);
  one('gpu-pack-remove')?.click();
  await vi.waitFor(() => expect(one('confirm-ok')).not.toBeNull());
  one('confirm-ok')?.click();
  await vi.waitFor(() => expect(state()).toBe('not installed'));
});

it('says what a pack is for without pushing it, and names damaged files', async () => {
  const primary = (): boolean => one('gpu-pack-download')?.classList.contains('primary') ?? false;
  expect(primary()).toBe(false);
  expect(one('gpu-pack')?.textContent).toContain('cannot use it now');
  setGpuPack(fake.world, { would_help: true });
  await vi.waitFor(() => expect(primary()).toBe(true));
  expect(one('gpu-pack')?.textContent).toContain('the pack brings them');
  setGpuPack(fake.world, { state: 'damaged', installed_version: 'x', damaged_files: ['libcublas.so.13'] });
  await vi.waitFor(() => expect(state()).toBe('damaged'));
  expect(one('gpu-pack')?.textContent).toContain('libcublas.so.13');
  setGpuPack(fake.world, { is_supported: false, state: 'not_installed' });
  await vi.waitFor(() => expect(one('gpu-pack-download')).toBeNull());
});
