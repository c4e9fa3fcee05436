import { mount, tick, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { useAdapter } from '@/ipc/client';
import { closeEvents } from '@/ipc/events';
import { FakeAdapter } from '@/ipc/fake';
import { ApiError } from '@/ipc/adapter';
import { jobs } from '@/ipc/stores/jobs.svelte';
import Screen from './Screen.svelte';

let fake: FakeAdapter;
let screen: ReturnType<typeof mount>;

const find = <E extends HTMLElement>(testid: string): E | null =>
  document.querySelector<E>(`[data-testid="${testid}"]`);

async function press(testid: string): Promise<void> {
  await vi.waitFor(() => expect(find(testid)).not.toBeNull());
  find(testid)?.click();
  await tick();
}

function show(library: string): void {
  fake = new FakeAdapter(library);
  useAdapter(fake);
  screen = mount(Screen, { target: document.body });
}

beforeEach(() => {
  document.body.innerHTML = '';
  location.hash = '';
});
afterEach(async () => {
  await unmount(screen);
  jobs.stop();
  closeEvents();
});

describe('the projects screen', () => {
  it('offers the sample first where there is nothing', async () => {
    show('empty');
    await press('sample-project');
    await vi.waitFor(() => expect(fake.world.projects).toHaveLength(1));
    await vi.waitFor(() => expect(location.hash).toContain('#/data/'));
    expect(jobs.active[0]?.kind).toBe('import');
  });

  it('shows a card for each project', async () => {
    show('');
    await vi.waitFor(() => expect(document.querySelectorAll('[data-testid="project-card"]')).toHaveLength(4));
    expect(document.body.textContent).toContain('1,000,000 samples');
  });

  it('says what failed and tries again', async () => {
    fake = new FakeAdapter('');
    fake.fail('project_list', new ApiError('io', 'The library cannot be read.'));
    useAdapter(fake);
    screen = mount(Screen, { target: document.body });
    await vi.waitFor(() => expect(find('error-state')?.textContent).toContain('The library cannot be read.'));
    fake.fail('project_list');
    find('error-state')?.querySelector('button')?.click();
    await vi.waitFor(() => expect(find('project-card')).not.toBeNull());
  });

  it('creates a project with a dataset, and shows a refused name at the field', async () => {
    show('');
    await press('project-new');
    await vi.waitFor(() => expect(find('project-name')).not.toBeNull());
    const type = (text: string): void => {
      const field = find<HTMLInputElement>('project-name');
      if (!field) throw new Error('no field');
      field.value = text;
      field.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const submit = (): boolean | undefined =>
      document
        .querySelector('#project-form')
        ?.dispatchEvent(new Event('submit', { cancelable: true, bubbles: true }));
    type('Magnetic tiles');
    submit();
    await vi.waitFor(() => expect(find('project-form')?.textContent).toContain('exists already'));
    type('Castings');
    submit();
    await vi.waitFor(() => expect(fake.world.projects.at(-1)?.wire.name).toBe('Castings'));
    expect(fake.world.datasets.at(-1)?.name).toBe('Castings');
  });
});
