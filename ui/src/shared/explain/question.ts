/** What a panel shows of an answer, whoever asked for it. */
export interface ShownExplanation {
  readonly label: string;
  readonly layer: string;
  readonly layers: readonly string[];
  readonly rows: number;
  readonly columns: number;
  readonly heat: readonly number[];
  readonly peak: number;
}

/** A class that can be asked for. */
export interface ClassChoice {
  readonly class_idx: number;
  readonly label: string;
  readonly probability: number;
  readonly color: string;
  /** A word beside the name: what was predicted, what is true. */
  readonly note?: string;
}

/** Classes by probability, the surest first. */
export function bySureness<C extends { readonly probability: number }>(classes: readonly C[]): C[] {
  return [...classes].sort((a, b) => b.probability - a.probability);
}
