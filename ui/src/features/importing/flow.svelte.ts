import { t } from '@/core/i18n/index.svelte';
import { ApiError, holdsNothing, type Picked } from '@/ipc/adapter';
import { call, pick, sourceOf } from '@/ipc/client';
import type { ImportSource } from '@/ipc/commands';
import { isFinal, jobs } from '@/ipc/stores/jobs.svelte';
import { workspace } from '@/ipc/stores/workspace.svelte';
import type { ClassSeparator, Dataset, ImportFormat, ImportOptions, ImportPreview, Job } from '@/ipc/types';
import type { ImportIntent } from '@/shared/state/intents.svelte';

/** Chosen in the list of datasets for one that does not exist yet. */
export const NEW_DATASET = 'new';

const SPLIT = { train: 0.7, val: 0.15, test: 0.15 };
const SPLIT_SEED = 42;

export type Stage = 'choose' | 'look' | 'preview' | 'run';

/** One import from choice to report. */
export class ImportFlow {
  stage = $state<Stage>('choose');
  open = $state(false);
  dataset_id = $state(NEW_DATASET);
  new_name = $state('');
  format = $state<ImportFormat>('auto');
  /** Between the classes of a cell in a CSV file. */
  separator = $state<ClassSeparator>('auto');
  split = $state(true);
  preview = $state.raw<ImportPreview>();
  error = $state.raw<unknown>();
  upload_share = $state<number | null>(null);
  busy = $state(false);
  #job_id = $state('');
  job: Job | undefined = $derived(jobs.get(this.#job_id));
  #source: ImportSource | null = null;
  #turn = 0;
  #made: Dataset | null = null;
  /** Where the images went, once it runs. */
  target_id = $state('');

  begin(intent: ImportIntent): void {
    this.#turn += 1;
    this.stage = 'choose';
    this.preview = undefined;
    this.error = undefined;
    this.format = 'auto';
    this.separator = 'auto';
    this.#source = null;
    this.#job_id = '';
    this.dataset_id = intent.dataset_id ?? workspace.dataset?.id ?? NEW_DATASET;
    this.new_name = workspace.project?.name ?? '';
    this.open = true;
    if (intent.picked) void this.take(intent.picked as Picked);
  }

  async choose(what: 'folder' | 'files'): Promise<void> {
    const picked = await pick({ what, extensions: what === 'files' ? FILES : undefined });
    if (picked) await this.take(picked);
  }

  /** What was chosen or dropped: brought over where needed, then looked at. */
  async take(picked: Picked): Promise<void> {
    const turn = ++this.#turn;
    if (holdsNothing(picked)) {
      this.stage = 'choose';
      this.error = new ApiError('invalid_input', t('import.empty'));
      return;
    }
    this.stage = 'look';
    this.error = undefined;
    this.upload_share = picked.kind === 'files' ? 0 : null;
    if (this.dataset_id === NEW_DATASET && !this.new_name) this.new_name = nameOf(picked);
    try {
      const source = await sourceOf(picked, (share) => (this.upload_share = share));
      if (turn !== this.#turn) return;
      this.#source = source;
    } catch (thrown) {
      if (turn === this.#turn) this.error = thrown;
      return;
    } finally {
      this.upload_share = null;
    }
    await this.look();
  }

  /** Asks what an import would do; again when dataset or format change. */
  async look(): Promise<void> {
    const source = this.#source;
    if (!source) return;
    const turn = ++this.#turn;
    this.stage = 'look';
    this.error = undefined;
    try {
      const dataset_id = await this.#dataset();
      const preview = await call('import_preview', { id: dataset_id, ...source, options: this.#options() });
      if (turn !== this.#turn) return;
      this.preview = preview;
      this.stage = 'preview';
    } catch (thrown) {
      if (turn === this.#turn) this.error = thrown;
    }
  }

  async start(): Promise<void> {
    if (!this.#source) return;
    this.busy = true;
    let made: Dataset | null = null;
    try {
      const id = await this.#dataset();
      // From here on a new dataset belongs to the person: no later cancel takes it away.
      made = this.#made;
      this.#made = null;
      const job = await call('import_start', { id, ...this.#source, options: this.#options() });
      made = null;
      jobs.take(job);
      this.#job_id = job.id;
      this.target_id = id;
      this.stage = 'run';
      await workspace.reload();
      await workspace.openDataset(id);
    } catch (thrown) {
      this.#made = made;
      this.error = thrown;
    } finally {
      this.busy = false;
    }
  }

  async cancel(): Promise<void> {
    if (this.job && !isFinal(this.job)) jobs.take(await call('job_cancel', { id: this.job.id }));
  }

  #options(): ImportOptions {
    const split = this.split && !this.preview?.has_splits ? SPLIT : null;
    // A project for several classes an image takes all that the folders or a CSV file give it.
    const several_classes = workspace.labelMode === 'toggle';
    return {
      format: this.format,
      split,
      split_seed: SPLIT_SEED,
      several_classes,
      class_separator: this.separator,
    };
  }

  /**
   * The dataset to import into. A preview already needs one to compare with, so a new one is made then;
   * an import that is given up takes it away again (`close`).
   */
  async #dataset(): Promise<string> {
    if (this.dataset_id !== NEW_DATASET) return this.dataset_id;
    const name = this.new_name.trim() || 'images';
    if (this.#made) {
      if (this.#made.name !== name) this.#made = await call('dataset_update', { id: this.#made.id, name });
    } else {
      this.#made = await call('dataset_create', { name, project_id: workspace.project?.id ?? null });
    }
    return this.#made.id;
  }

  /** Closes the dialog; a running import goes on. */
  async close(): Promise<void> {
    this.#turn += 1;
    this.open = false;
    const made = this.#made;
    this.#made = null;
    if (made && this.stage !== 'run') await call('dataset_delete', { id: made.id });
  }
}

/** Images, and tables with their labels. */
const FILES = ['jpg', 'jpeg', 'png', 'bmp', 'webp', 'tif', 'tiff', 'csv', 'tsv'];

/** A name for a dataset after what was chosen: its folder, or nothing. */
export function nameOf(picked: Picked): string {
  const first = picked.kind === 'paths' ? picked.paths[0] : picked.files[0]?.relative_path;
  if (!first) return '';
  const parts = first.split(/[\\/]/).filter(Boolean);
  const name = picked.kind === 'paths' ? parts.at(-1) : parts.length > 1 ? parts[0] : '';
  return (name ?? '').replace(/\.[a-z0-9]{1,5}$/i, '');
}
