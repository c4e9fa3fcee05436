import type { Picked } from '@/ipc/adapter';
import type { Weights } from '@/ipc/types';

/** What a weight file is called; what it is, the reader finds out. */
export const WEIGHT_EXTENSIONS = ['safetensors', 'pth', 'pt', 'bin'] as const;

/** Names of the files that a person chose or dropped. */
export function namesOf(picked: Picked): string[] {
  return picked.kind === 'paths' ? picked.paths : picked.files.map((file) => file.relative_path);
}

/** Whether nothing but weight files was dropped. */
export function areWeights(picked: Picked): boolean {
  const names = namesOf(picked);
  const is = (name: string): boolean =>
    WEIGHT_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(`.${extension}`));
  return names.length > 0 && names.every(is);
}

/** Share of an unfinished download that is here; null while its size is unknown. */
export function downloadedShare(weights: Weights): number | null {
  const { size_bytes, downloaded_bytes } = weights;
  return size_bytes ? Math.min(1, downloaded_bytes / size_bytes) : null;
}
