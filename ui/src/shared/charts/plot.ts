import uPlot from 'uplot';
import type { Span } from './curve';
import type { ChartLine } from './line';
import { yRange, type Limits } from './scale';

/** Colours of a chart, resolved for the theme of the moment. */
export interface PlotColors {
  readonly text: string;
  readonly grid: string;
  readonly now: string;
  readonly background: string;
  readonly lines: readonly string[];
}

export interface PlotHooks {
  /** The x axis to show. */
  xSpan(): Span;
  /** Where a dashed line says "now"; null for none. */
  now(): number | null;
  /** `left_px`: where the cursor stands, from the left edge of the chart. */
  onHover(x: number | null, left_px: number): void;
  onZoom(span: Span): void;
  onReset(): void;
}

/** Options of uPlot for lines over epochs: horizontal grid only, drag zooms x, charts of one `syncKey` share the cursor. */
export function plotOptions(
  size: { width: number; height: number },
  lines: readonly ChartLine[],
  colors: PlotColors,
  limits: Limits,
  axisFormat: (value: number) => string,
  syncKey: string | undefined,
  hooks: PlotHooks,
): uPlot.Options {
  const font = '11px "Inter Variable", Inter, "Noto Sans SC", sans-serif';
  return {
    ...size,
    padding: [8, 10, 0, 0],
    legend: { show: false },
    scales: {
      x: { time: false, range: () => [hooks.xSpan().from, hooks.xSpan().to] },
      y: { range: (_plot, min, max) => yRange(min === null || max === null ? null : [min, max], limits) },
    },
    axes: [
      {
        stroke: colors.text,
        font,
        size: 24,
        gap: 2,
        grid: { show: false },
        ticks: { show: false },
        space: 56,
      },
      {
        stroke: colors.text,
        font,
        size: 46,
        gap: 6,
        space: 34,
        grid: { stroke: colors.grid, width: 1 },
        ticks: { show: false },
        values: (_plot, splits) => splits.map(axisFormat),
      },
    ],
    series: [
      {},
      ...lines.map((line, index) => ({
        label: line.label,
        stroke: colors.lines[index] as string,
        width: line.dots ? 1.75 : 1.25,
        spanGaps: true,
        points: line.dots
          ? { show: true, size: 5, fill: colors.lines[index] as string, width: 0 }
          : { show: false },
      })),
    ],
    cursor: {
      y: false,
      points: { size: 7 },
      drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => () => (hooks.onReset(), null) },
      ...(syncKey
        ? {
            sync: {
              key: syncKey,
              filters: { pub: (type: string) => type === 'mousemove' || type === 'mouseleave' },
            },
          }
        : {}),
    },
    hooks: {
      setCursor: [
        (plot) => {
          const left = plot.cursor.left ?? -1;
          if (left < 0) hooks.onHover(null, 0);
          else hooks.onHover(plot.posToVal(left, 'x'), left + plot.bbox.left / devicePixelRatio);
        },
      ],
      setSelect: [(plot) => zoomToSelection(plot, hooks)],
      draw: [(plot) => drawNow(plot, hooks.now(), colors.now)],
    },
  };
}

function zoomToSelection(plot: uPlot, hooks: PlotHooks): void {
  const { left, width } = plot.select;
  if (width < 4) return;
  hooks.onZoom({ from: plot.posToVal(left, 'x'), to: plot.posToVal(left + width, 'x') });
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

function drawNow(plot: uPlot, now: number | null, color: string): void {
  if (now === null) return;
  const x = Math.round(plot.valToPos(now, 'x', true)) + 0.5;
  const { left, top, width, height } = plot.bbox;
  if (x < left || x > left + width) return;
  const ctx = plot.ctx;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x, top + height);
  ctx.stroke();
  ctx.restore();
}
