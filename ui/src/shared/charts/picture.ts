/** Draws a chart's canvas with its title and legend above it, on the theme's background. */
export function chartPicture(
  canvas: HTMLCanvasElement,
  title: string,
  legend: readonly { label: string; color: string }[],
  colors: { text: string; background: string },
): HTMLCanvasElement {
  const scale = devicePixelRatio || 1;
  const head = 34 * scale;
  const picture = document.createElement('canvas');
  picture.width = canvas.width + 24 * scale;
  picture.height = canvas.height + head + 12 * scale;
  const ctx = picture.getContext('2d');
  if (!ctx) return picture;
  ctx.fillStyle = colors.background;
  ctx.fillRect(0, 0, picture.width, picture.height);
  ctx.textBaseline = 'middle';
  ctx.fillStyle = colors.text;
  ctx.font = `600 ${13 * scale}px "Inter Variable", Inter, sans-serif`;
  ctx.fillText(title, 14 * scale, head / 2 + 2 * scale);
  let x = 14 * scale + ctx.measureText(title).width + 20 * scale;
  ctx.font = `${12 * scale}px "Inter Variable", Inter, sans-serif`;
  for (const { label, color } of legend) {
    ctx.fillStyle = color;
    ctx.fillRect(x, head / 2, 12 * scale, 3 * scale);
    x += 17 * scale;
    ctx.fillStyle = colors.text;
    ctx.fillText(label, x, head / 2 + 2 * scale);
    x += ctx.measureText(label).width + 16 * scale;
  }
  ctx.drawImage(canvas, 12 * scale, head);
  return picture;
}

/** Offers a canvas as a PNG file to save. */
export function savePng(canvas: HTMLCanvasElement, name: string): void {
  canvas.toBlob((blob) => {
    if (!blob) return;
    const address = URL.createObjectURL(blob);
    const link = document.createElement('a');
    link.href = address;
    link.download = `${name.replace(/[\\/:*?"<>|\s]+/g, '-')}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }, 'image/png');
}
