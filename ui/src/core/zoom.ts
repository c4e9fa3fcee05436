/** The view of one image: a scale and where its top left corner lies on screen. Spaces: `image` px, `screen` CSS px. */
export interface View {
  /** Screen pixels an image pixel takes. */
  scale: number;
  x_screen: number;
  y_screen: number;
}

export interface Size {
  width: number;
  height: number;
}

export const MIN_SCALE = 0.02;
export const MAX_SCALE = 64;

/** The whole image, centred; small images are enlarged (a 64 px crop is judged better at window size). */
export function fitted(image: Size, screen: Size, margin = 16): View {
  const room = { width: screen.width - 2 * margin, height: screen.height - 2 * margin };
  const scale = clampScale(Math.min(room.width / image.width, room.height / image.height));
  return centred(image, screen, scale);
}

export function centred(image: Size, screen: Size, scale: number): View {
  return {
    scale,
    x_screen: (screen.width - image.width * scale) / 2,
    y_screen: (screen.height - image.height * scale) / 2,
  };
}

/** Zooms so that the image point under `(x, y)` stays under it. */
export function zoomedAt(view: View, factor: number, x: number, y: number): View {
  const scale = clampScale(view.scale * factor);
  const ratio = scale / view.scale;
  return { scale, x_screen: x - (x - view.x_screen) * ratio, y_screen: y - (y - view.y_screen) * ratio };
}

export function panned(view: View, dx: number, dy: number): View {
  return { ...view, x_screen: view.x_screen + dx, y_screen: view.y_screen + dy };
}

/** Keeps at least `keep` px of the image on screen, so that it cannot be lost. */
export function kept(view: View, image: Size, screen: Size, keep = 48): View {
  const within = (at: number, length: number, room: number): number =>
    Math.max(keep - length, Math.min(room - keep, at));
  return {
    ...view,
    x_screen: within(view.x_screen, image.width * view.scale, screen.width),
    y_screen: within(view.y_screen, image.height * view.scale, screen.height),
  };
}

export function imageFromScreen(view: View, x: number, y: number): { x: number; y: number } {
  return { x: (x - view.x_screen) / view.scale, y: (y - view.y_screen) / view.scale };
}

function clampScale(scale: number): number {
  return Math.max(MIN_SCALE, Math.min(MAX_SCALE, Number.isFinite(scale) && scale > 0 ? scale : 1));
}
