import { lowerBound, type Curve } from '../../shared/charts/curve';

/** A point as it arrives: the name of its curve, optimiser steps done, fractional epochs done. */
export interface CurvePoint {
  readonly name: string;
  readonly step: number;
  readonly epoch: number;
  readonly value: number;
}

/** A whole curve as it is loaded. */
export interface CurveSeries {
  readonly name: string;
  readonly steps: readonly number[];
  readonly epochs: readonly number[];
  readonly values: readonly number[];
}

interface Stored {
  steps: number[];
  epochs: number[];
  values: number[];
}

/**
 * The curves of one run: loaded once, then fed by events. A step that comes twice (loading and events overlap; a resume
 * goes back to its checkpoint) replaces what was there, so that every step stands once and in order.
 */
export class CurveTable {
  private readonly curves = new Map<string, Stored>();

  static from(series: readonly CurveSeries[]): CurveTable {
    const table = new CurveTable();
    for (const { name, steps, epochs, values } of series) {
      table.curves.set(name, { steps: [...steps], epochs: [...epochs], values: [...values] });
    }
    return table;
  }

  add(points: readonly CurvePoint[]): void {
    for (const { name, step, epoch, value } of points) {
      let curve = this.curves.get(name);
      if (!curve) {
        curve = { steps: [], epochs: [], values: [] };
        this.curves.set(name, curve);
      }
      const at = lowerBound(curve.steps, step);
      const known = curve.steps[at] === step ? 1 : 0;
      curve.steps.splice(at, known, step);
      curve.epochs.splice(at, known, epoch);
      curve.values.splice(at, known, value);
    }
  }

  /** Over epochs; an empty curve when nothing was recorded. */
  byEpoch(name: string): Curve {
    const curve = this.curves.get(name);
    return { xs: curve?.epochs ?? [], ys: curve?.values ?? [] };
  }

  get isEmpty(): boolean {
    return [...this.curves.values()].every((curve) => curve.steps.length === 0);
  }

  last(name: string): number | null {
    return this.curves.get(name)?.values.findLast((value) => Number.isFinite(value)) ?? null;
  }

  /** The highest value (or lowest, for a loss) and the epoch it came from. */
  best(name: string, sense: 'highest' | 'lowest' = 'highest'): BestValue | null {
    const curve = this.curves.get(name);
    let best: BestValue | null = null;
    curve?.values.forEach((value, index) => {
      if (!Number.isFinite(value)) return;
      if (best === null || (sense === 'highest' ? value > best.value : value < best.value)) {
        best = { value, epoch: curve.epochs[index] as number };
      }
    });
    return best;
  }
}

export interface BestValue {
  readonly value: number;
  readonly epoch: number;
}
