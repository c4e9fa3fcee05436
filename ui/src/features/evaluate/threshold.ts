import { lowerBound } from '../../shared/charts/curve';

/** What the threshold of one class needs of a sample: its score for the class, and whether it truly is of the class. */
export interface Scored {
  readonly score: number;
  readonly positive: boolean;
}

/** One class against the rest, when everything with a score of at least the threshold is called the class. */
export interface OperatingPoint {
  readonly threshold: number;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
  /** 0 when nothing is called the class, as in scikit-learn (`zero_division = 0`). */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** Scores sorted once, so that every move of the slider costs one binary search. */
export class ThresholdTable {
  private readonly scores: number[];
  /** `positivesBelow[i]`: positives among the `i` lowest scores. */
  private readonly positivesBelow: number[] = [0];
  readonly positives: number;
  readonly negatives: number;

  constructor(samples: readonly Scored[]) {
    const sorted = [...samples].sort((a, b) => a.score - b.score);
    this.scores = sorted.map((sample) => sample.score);
    for (const sample of sorted) {
      this.positivesBelow.push((this.positivesBelow.at(-1) as number) + (sample.positive ? 1 : 0));
    }
    this.positives = this.positivesBelow.at(-1) as number;
    this.negatives = sorted.length - this.positives;
  }

  at(threshold: number): OperatingPoint {
    const below = lowerBound(this.scores, threshold);
    const falseNegatives = this.positivesBelow[below] as number;
    const trueNegatives = below - falseNegatives;
    const truePositives = this.positives - falseNegatives;
    const falsePositives = this.negatives - trueNegatives;
    const precision = ratio(truePositives, truePositives + falsePositives);
    const recall = ratio(truePositives, this.positives);
    const f1 = ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives);
    return { threshold, truePositives, falsePositives, falseNegatives, trueNegatives, precision, recall, f1 };
  }

  /** Precision and recall at every score, from the highest down. */
  curve(): OperatingPoint[] {
    return [...new Set(this.scores)].reverse().map((score) => this.at(score));
  }

  /** The threshold with the best F1, between two neighbouring scores; 0.5 without positives. */
  best(): number {
    if (this.positives === 0) return 0.5;
    let best = 0.5;
    let bestF1 = -1;
    let before = 0;
    for (const score of new Set(this.scores)) {
      const f1 = this.at(score).f1;
      if (f1 > bestF1) {
        bestF1 = f1;
        best = (before + score) / 2;
      }
      before = score;
    }
    return best;
  }
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
