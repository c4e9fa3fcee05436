/** What the lists of wrong decisions need of a sample with several classes. */
export interface JudgedSet {
  readonly actual_classes: readonly number[];
  /** By `class_idx`. */
  readonly probabilities: readonly number[];
}

/** One class of one image decided wrongly. */
export interface WrongDecision<S> {
  readonly sample: S;
  readonly class_idx: number;
  readonly kind: MistakeKind;
  readonly score: number;
}

/** `missed`: it is there and was not given. `wrongly`: it was given and is not there. */
export type MistakeKind = 'missed' | 'wrongly';

export interface Wanted {
  /** null: of every class. */
  readonly class_idx: number | null;
  /** null: both. */
  readonly kind: MistakeKind | null;
}

/** Wrong decisions with these thresholds by `class_idx`, the surest first. */
export function wrongDecisions<S extends JudgedSet>(
  samples: readonly S[],
  thresholds: readonly number[],
  wanted: Wanted,
): WrongDecision<S>[] {
  const found: (WrongDecision<S> & { readonly sure: number })[] = [];
  for (const sample of samples) {
    for (const [class_idx, threshold] of thresholds.entries()) {
      if (wanted.class_idx !== null && wanted.class_idx !== class_idx) continue;
      const score = sample.probabilities[class_idx] ?? 0;
      const given = score >= threshold;
      if (given === sample.actual_classes.includes(class_idx)) continue;
      const kind = given ? 'wrongly' : 'missed';
      if (wanted.kind !== null && wanted.kind !== kind) continue;
      found.push({ sample, class_idx, kind, score, sure: Math.abs(score - threshold) });
    }
  }
  return found.sort((a, b) => b.sure - a.sure);
}

/** The classes that are given with these thresholds. */
export function givenClasses(sample: JudgedSet, thresholds: readonly number[]): number[] {
  return thresholds.flatMap((threshold, k) => ((sample.probabilities[k] ?? 0) >= threshold ? [k] : []));
}
