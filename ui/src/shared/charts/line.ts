import type { Curve } from './curve';

/** Custom properties of `charts.css`, so that a chart follows the theme. */
export type SeriesColor = 'train' | 'val' | 'extra' | 'rate' | 'wait';

/** A curve as it is drawn. */
export interface ChartLine extends Curve {
  readonly key: string;
  readonly label: string;
  readonly color: SeriesColor;
  /** Also a dot at every point: for values that come once an epoch. */
  readonly dots?: boolean;
}
