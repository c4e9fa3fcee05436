import { mount, unmount } from 'svelte';
import { afterEach, expect, it, vi } from 'vitest';
import { parseRoute } from '@/core/route';
import { useAdapter } from '@/ipc/client';
import { closeEvents } from '@/ipc/events';
import { FakeAdapter } from '@/ipc/fake';
import { makeJob } from '@/ipc/fake/jobs';
import { workspace } from '@/ipc/stores/workspace.svelte';
import type { Project } from '@/ipc/types';
import Screen from './Screen.svelte';

let screen: ReturnType<typeof mount> | undefined;

afterEach(async () => {
  await close();
  closeEvents();
  workspace.project = null;
});

const runPage = (): Element | null => document.querySelector('[data-testid="train-run-page"]');

function open(hash: string): void {
  screen = mount(Screen, { target: document.body, props: { route: parseRoute(hash) } });
}
async function close(): Promise<void> {
  if (screen) await unmount(screen);
  screen = undefined;
}

it('shows the run of the address also where another project is open, and says which is gone', async () => {
  const fake = new FakeAdapter('');
  useAdapter(fake);
  const { id } = makeJob(fake.world, 'train', 'Cells · resnet18', null, 8);
  workspace.project = { id: 'another', name: 'Another' } as Project;
  open(`#/train/${id}`);
  await vi.waitFor(() => expect(runPage()?.textContent).toContain('Cells · resnet18'));
  expect(document.querySelectorAll('[data-testid="train-run"]')).toHaveLength(0);
  await close();
  open('#/train/no-such-run');
  await vi.waitFor(() => expect(document.body.textContent).toContain('This run is gone'));
  expect(runPage()).toBeNull();
});
