/** Limits of the thumbnails' size slider, in CSS px. */
export const MIN_CELL_PX = 88;
export const MAX_CELL_PX = 340;
