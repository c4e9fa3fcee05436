import { mount } from 'svelte';
import { ApiError } from '@/ipc/adapter';
import { useAdapter } from '@/ipc/client';
import { connect } from '@/ipc/connect';
import { jobs } from '@/ipc/stores/jobs.svelte';
import { preferences } from '@/ipc/stores/preferences.svelte';
import { resources } from '@/ipc/stores/resources.svelte';
import { workspace } from '@/ipc/stores/workspace.svelte';
import { toastError } from '@/shared/state/errors';
import App from './App.svelte';
import './app.css';

/** Choose the way to the application, start what is always live, show the frame. */
async function start(): Promise<void> {
  const target = document.getElementById('app');
  if (!target) throw new Error('BUG: index.html has no #app');
  let refused: unknown;
  useAdapter(
    await connect().catch(async (thrown: unknown) => {
      // A used or expired code: the cookie of an earlier sign-in may still hold.
      refused = ApiError.from(thrown);
      return connect();
    }),
  );
  preferences.start();
  resources.start();
  jobs.start();
  workspace.start();
  mount(App, { target });
  if (refused) toastError(refused);
}

void start();
