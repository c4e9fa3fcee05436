import { mount, tick, unmount } from 'svelte';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { useAdapter } from '@/ipc/client';
import { closeEvents } from '@/ipc/events';
import { FakeAdapter } from '@/ipc/fake';
import { jobs } from '@/ipc/stores/jobs.svelte';
import { offerDrop } from '@/shared/state/intents.svelte';
import WeightsSection from './WeightsSection.svelte';

let fake: FakeAdapter;
let section: ReturnType<typeof mount>;

const all = (testid: string): HTMLElement[] => [
  ...document.querySelectorAll<HTMLElement>(`[data-testid="${testid}"]`),
];
const row = (name: string): HTMLElement | undefined =>
  all('weights-row').find((element) => element.textContent?.includes(name));
const asked = (name: string): unknown[] => fake.calls.filter((c) => c.name === name).map((c) => c.request);

beforeEach(async () => {
  fake = new FakeAdapter('');
  useAdapter(fake);
  jobs.start();
  section = mount(WeightsSection, { target: document.body });
  await vi.waitFor(() => expect(all('weights-row').length).toBe(4));
});
afterEach(async () => {
  await unmount(section);
  jobs.stop();
  closeEvents();
  document.body.innerHTML = '';
});

it('downloads only after the licence was agreed to', async () => {
  row('resnet34')?.querySelector<HTMLElement>('[data-testid="weights-download"]')?.click();
  await vi.waitFor(() => expect(all('weights-start')).toHaveLength(1));
  const dialog = all('weights-dialog')[0];
  expect(dialog?.textContent).toContain('Apache-2.0');
  expect(dialog?.textContent).toContain('46f8f793');
  const start = all('weights-start')[0] as HTMLButtonElement;
  expect(start.disabled).toBe(true);
  all('weights-agree')[0]?.click();
  await tick();
  await vi.waitFor(() => expect(start.disabled).toBe(false));
  start.click();
  await vi.waitFor(() =>
    expect(asked('weights_download')).toEqual([{ name: 'resnet34.a1_in1k', agree_licence: true }]),
  );
  await vi.waitFor(() => expect(row('resnet34')?.textContent).not.toContain('not installed'), 5000);
  expect(row('resnet34')?.textContent).toContain('SHA-256');
});

it('installs a dropped weight file and leaves everything else to the import', async () => {
  expect(offerDrop({ kind: 'paths', paths: ['/photos/1.jpg'] })).toBe(false);
  expect(offerDrop({ kind: 'paths', paths: ['/nets/tiles.safetensors'] })).toBe(true);
  await vi.waitFor(() => expect(asked('weights_install')).toEqual([{ path: '/nets/tiles.safetensors' }]));
  await vi.waitFor(() => expect(row('tiles')?.textContent).toContain('own file'), 5000);
});

it('removes what is installed after asking', async () => {
  row('resnet18')?.querySelector<HTMLElement>('[data-testid="weights-remove"]')?.click();
  await vi.waitFor(() => expect(all('confirm-ok')).toHaveLength(1));
  all('confirm-ok')[0]?.click();
  await vi.waitFor(() => expect(row('resnet18')?.textContent).toContain('not installed'));
});
