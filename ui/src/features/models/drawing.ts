/** The drawing of a network as an element of this page. Null for anything that is not one SVG document. */
export function readDrawing(text: string): SVGSVGElement | null {
  const parsed = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
  if (parsed.nodeName !== 'svg') return null;
  return document.importNode(parsed, true) as unknown as SVGSVGElement;
}

/**
 * Says what each block costs in the words of this page. The drawing carries the numbers beside its own English words,
 * which stand where it is looked at elsewhere.
 */
export function sayCosts(drawing: SVGSVGElement, say: (params: number, macs: number) => string): void {
  for (const text of drawing.querySelectorAll<SVGTextElement>('.net-cost[data-params]')) {
    text.textContent = say(Number(text.dataset['params']), Number(text.dataset['multiplyAdds']));
  }
}

/** The scale at which all of a drawing is seen; small ones are not enlarged. */
export function fittingScale(
  drawing: { readonly width: number; readonly height: number },
  room: { readonly width: number; readonly height: number },
): number {
  const scale = Math.min(1, room.width / drawing.width, room.height / drawing.height);
  return Number.isFinite(scale) && scale > 0 ? scale : 1;
}
