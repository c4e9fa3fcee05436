import type { ImportPreview } from '@/ipc/types';

/**
 * Images that an import adds. Null where that cannot be told from the preview: where an image may have several
 * classes, those that are there already can still get one more.
 */
export function newImages(preview: ImportPreview, takes_several: boolean): number | null {
  if (takes_several && preview.existing_count + preview.several_classes_count > 0) return null;
  // A repeated image counts as such also where it is in the dataset already, and there once only.
  return Math.max(0, preview.image_count - preview.duplicate_count - preview.existing_count);
}
