import { t } from '@/core/i18n/index.svelte';
import { ApiError, holdsNothing, type Picked, type PickedFile } from '@/ipc/adapter';
import { activeAdapter, call, previewUrl, thumbnailUrl } from '@/ipc/client';
import type { ExplainedImage } from '@/ipc/stores/explained.svelte';
import type { Prediction, Warning } from '@/ipc/types';
import { fileOf, isImageName, shownName } from './names';

/**
 * An answered image; `preview` is an address that lives as long as the answer, or nothing to show. `image` names it in a
 * question, where it is still there to be asked about.
 */
export interface Answer extends Prediction {
  readonly key: number;
  readonly preview: string | null;
  readonly image: ExplainedImage | null;
}

/** What the person gave to the model, and what it answered. Nothing of it is kept. */
export class Asking {
  answers = $state.raw<readonly Answer[]>([]);
  leftOut = $state.raw<readonly Warning[]>([]);
  busy = $state(false);
  /** Images on their way: share brought, 0–1; null while the model works. */
  brought = $state<number | null>(null);
  count = $state(0);
  error = $state.raw<ApiError>();
  #given: Picked[] = [];
  #nextKey = 1;

  get hasImages(): boolean {
    return this.#given.length > 0;
  }

  async add(picked: Picked, model_id: string, version: number): Promise<void> {
    if (this.busy) return;
    if (holdsNothing(picked)) {
      this.error = new ApiError('invalid_input', t('import.empty'));
      return;
    }
    this.#given.push(picked);
    await this.#ask(picked, model_id, version);
  }

  /** The same images to another model. */
  async again(model_id: string, version: number): Promise<void> {
    if (this.busy) return;
    this.#forget();
    for (const picked of this.#given) await this.#ask(picked, model_id, version);
  }

  clear(): void {
    this.#given = [];
    this.#forget();
    this.error = undefined;
  }

  async #ask(picked: Picked, id: string, version: number): Promise<void> {
    this.busy = true;
    this.error = undefined;
    this.count = picked.kind === 'files' ? picked.files.length : 0;
    if (picked.kind === 'files' && !picked.files.some((file) => isImageName(file.relative_path))) {
      this.leftOut = [...this.leftOut, ...notLookedAt(picked.files)];
      this.busy = false;
      return;
    }
    try {
      const source = await this.#source(picked);
      this.brought = null;
      const answer = await call('model_predict', { id, version, ...source });
      const files = picked.kind === 'files' ? picked.files : [];
      const fresh = answer.predictions.map((p) => ({
        ...p,
        key: this.#nextKey++,
        name: shownName(p.name, files),
        preview: previewOf(p, files),
        image: imageOf(p, files),
      }));
      this.answers = [...this.answers, ...fresh];
      const left = answer.left_out.warnings.map((w) => ({ ...w, subject: shownName(w.subject, files) }));
      this.leftOut = [...this.leftOut, ...left, ...notLookedAt(files)];
    } catch (thrown) {
      this.error = ApiError.from(thrown);
    } finally {
      this.busy = false;
      this.brought = null;
    }
  }

  async #source(picked: Picked): Promise<{ paths: string[] } | { upload_id: string }> {
    if (picked.kind === 'paths') return { paths: picked.paths };
    this.brought = 0;
    return { upload_id: await activeAdapter().upload(picked.files, (share) => (this.brought = share)) };
  }

  #forget(): void {
    for (const { preview } of this.answers) if (preview?.startsWith('blob:')) URL.revokeObjectURL(preview);
    this.answers = [];
    this.leftOut = [];
  }
}

/** Files that are no images are not looked at within an upload; they are named here, so that none goes in silence. */
function notLookedAt(files: readonly PickedFile[]): Warning[] {
  return files
    .filter(({ relative_path }) => !isImageName(relative_path))
    .map(({ relative_path }) => ({ subject: relative_path, reason: t('predict.no_image') }));
}

/** Samples and files of the window have ids; a browser brings its file again. */
function imageOf(
  { name, sample_id, preview_id }: Prediction,
  files: readonly PickedFile[],
): ExplainedImage | null {
  if (sample_id) return { sample_id };
  if (preview_id) return { preview_id };
  const file = fileOf(name, files);
  return file ? { file } : null;
}

/** Samples show their thumbnail, files of the machine the preview that came with the answer, files of a browser themselves. */
function previewOf({ name, sample_id, preview_id }: Prediction, files: readonly PickedFile[]): string | null {
  if (sample_id) return thumbnailUrl(sample_id);
  if (preview_id) return previewUrl(preview_id);
  const found = fileOf(name, files);
  return found ? URL.createObjectURL(found.file) : null;
}
