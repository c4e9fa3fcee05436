import type { MetricPoint, MetricSeries } from '../types';
import { random } from './random';

/** How a made-up training goes: its length and how good it becomes. */
export interface Course {
  seed: number;
  epochs: number;
  steps_per_epoch: number;
  warmup_epochs: number;
  learning_rate: number;
  /** Macro F1 it comes close to. */
  best: number;
}

/** All points that a course has after the step `step` (the validation ones at the end of an epoch). */
export function pointsAt(course: Course, step: number): MetricPoint[] {
  const r = random(course.seed * 10_007 + step);
  const epoch = step / course.steps_per_epoch;
  const fall = Math.exp(-epoch / (course.epochs * 0.16));
  const noise = (size: number): number => (r() - 0.5) * size;
  const point = (name: string, value: number): MetricPoint => ({ name, step, epoch, value });
  const ramp = Math.min(1, epoch / Math.max(0.01, course.warmup_epochs));
  const points = [
    point('train/loss', 0.06 + 1.02 * fall + noise(0.1) * (0.25 + fall)),
    point('lr', course.learning_rate * ramp * 0.5 * (1 + Math.cos((Math.PI * epoch) / course.epochs))),
    point('images_per_s', 24 + noise(1.6)),
    point('data_wait', Math.abs(0.006 + noise(0.008))),
  ];
  if (step % course.steps_per_epoch === 0) {
    points.push(
      point('train/accuracy', Math.min(1, course.best + 0.025 - 0.58 * fall + noise(0.02))),
      point('val/loss', 0.15 + 0.98 * fall + noise(0.07)),
      point('val/accuracy', Math.min(1, course.best + 0.01 - 0.6 * fall + noise(0.02))),
      point('val/macro_f1', Math.min(1, course.best - 0.62 * fall + noise(0.025))),
    );
  }
  return points;
}

/** The curves of the first `steps` steps. */
export function seriesOf(course: Course, steps: number): MetricSeries[] {
  const byName = new Map<string, MetricSeries>();
  for (let step = 1; step <= steps; step += 1) {
    for (const point of pointsAt(course, step)) {
      const series = byName.get(point.name) ?? { name: point.name, steps: [], epochs: [], values: [] };
      series.steps.push(point.step);
      series.epochs.push(point.epoch);
      series.values.push(point.value);
      byName.set(point.name, series);
    }
  }
  return [...byName.values()];
}
