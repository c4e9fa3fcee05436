import type { Scored } from './threshold';

/** What the lists of this screen need of an evaluated sample. */
export interface JudgedSample {
  /** Nothing where the model gives several classes. */
  readonly actual?: number | null;
  readonly predicted?: number | null;
  readonly actual_classes: readonly number[];
  /** By `class_idx`. */
  readonly probabilities: readonly number[];
}

/** How sure the model was of what it said. */
export function confidence(sample: JudgedSample): number {
  return sample.probabilities[sample.predicted ?? -1] ?? 0;
}

/** Wrong ones, the surest first: these teach most about the model, or show a wrong label. */
export function mistakesFirst<S extends JudgedSample>(samples: readonly S[]): S[] {
  return samples
    .filter((sample) => sample.actual !== sample.predicted)
    .sort((a, b) => confidence(b) - confidence(a));
}

/** The samples of one cell; right ones with the least sure first, wrong ones with the surest first. */
export function cellSamples<S extends JudgedSample>(
  samples: readonly S[],
  actual: number,
  predicted: number,
): S[] {
  const sign = actual === predicted ? 1 : -1;
  return samples
    .filter((sample) => sample.actual === actual && sample.predicted === predicted)
    .sort((a, b) => sign * (confidence(a) - confidence(b)));
}

/** Scores of one class against the rest. */
export function scoredFor(samples: readonly JudgedSample[], classIdx: number): Scored[] {
  return samples.map((sample) => ({
    score: sample.probabilities[classIdx] ?? 0,
    positive: sample.actual_classes.includes(classIdx),
  }));
}
