import { ApiError, type Adapter, type Picked, type PickOptions } from './adapter';
import type { CommandName, ImportSource, Request, Response } from './commands';
import type { Augmentation } from './types';

let adapter: Adapter | null = null;

/** Chosen once at start-up (`app/main.ts`), or by a test. */
export function useAdapter(next: Adapter): void {
  adapter = next;
}

export function activeAdapter(): Adapter {
  if (!adapter) throw new Error('BUG: no adapter was chosen before the first call');
  return adapter;
}

/** Calls a command of the application. Rejects with an `ApiError` only. */
export async function call<N extends CommandName>(name: N, request: Request<N>): Promise<Response<N>> {
  try {
    return await activeAdapter().call(name, request);
  } catch (thrown) {
    throw ApiError.from(thrown);
  }
}

/** Upright thumbnail of a sample, `size` px on its longer side. */
export function thumbnailUrl(sample_id: string, size = 256): string {
  return activeAdapter().mediaUrl(`samples/${sample_id}/thumbnail?size=${size}`);
}

/** A small picture of a predicted file of this machine, in the window. */
export function previewUrl(preview_id: string, size = 256): string {
  return activeAdapter().mediaUrl(`predictions/${preview_id}/thumbnail?size=${size}`);
}

/** The image itself, upright, in a format browsers show. */
export function imageUrl(sample_id: string): string {
  return activeAdapter().mediaUrl(`samples/${sample_id}/image`);
}

/** What training would make of a sample: a square picture of `size` px, another one for every seed. */
export function augmentedUrl(
  sample_id: string,
  augmentation: Augmentation,
  size: number,
  seed: number,
): string {
  const recipe = encodeURIComponent(JSON.stringify(augmentation));
  return activeAdapter().mediaUrl(
    `samples/${sample_id}/augmented?size=${size}&seed=${seed}&augmentation=${recipe}`,
  );
}

/** The masks of a sample as one coloured, transparent PNG. */
export function maskUrl(sample_id: string): string {
  return activeAdapter().mediaUrl(`samples/${sample_id}/mask`);
}

/** Address of an exported model file, for a download. */
export function exportUrl(model_id: string, number: number, file_name: string): string {
  const name = encodeURIComponent(file_name);
  return activeAdapter().mediaUrl(`models/${model_id}/versions/${number}/export/${name}`);
}

export function pick(options: PickOptions): Promise<Picked | null> {
  return activeAdapter().pick(options);
}

/** Paths stay paths; browser files are uploaded first. */
export async function sourceOf(picked: Picked, progress?: (share: number) => void): Promise<ImportSource> {
  if (picked.kind === 'files') return { upload_id: await activeAdapter().upload(picked.files, progress) };
  const [path] = picked.paths;
  return picked.paths.length === 1 && path !== undefined ? { path } : { paths: picked.paths };
}
