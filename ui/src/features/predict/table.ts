import { csv } from '../../shared/charts/csv';

/** What the table needs of a prediction. */
export interface PredictedImage {
  readonly name: string;
  readonly label: string;
  readonly score: number;
  /** The classes that the image gets: one, or with several classes an image those at or above the threshold. */
  readonly labels: readonly string[];
  /** Every class, most probable first. */
  readonly probabilities: readonly { readonly label: string; readonly probability: number }[];
}

/** Classes of the model in a fixed order, so that every row of bars reads the same. */
export function classNames(predictions: readonly PredictedImage[]): string[] {
  const names = new Set(predictions.flatMap((prediction) => prediction.probabilities.map((p) => p.label)));
  return [...names].sort((a, b) => a.localeCompare(b));
}

export function probabilityOf(prediction: PredictedImage, label: string): number {
  return prediction.probabilities.find((p) => p.label === label)?.probability ?? 0;
}

/** The same answers with the classes at or above another threshold. */
export function decided<P extends PredictedImage>(predictions: readonly P[], threshold: number): P[] {
  return predictions.map((prediction) => {
    const given = prediction.probabilities.filter((p) => p.probability >= threshold);
    return { ...prediction, labels: given.map((p) => p.label) };
  });
}

/** A row an image: name, classes, score of the most probable one, then one column a class. */
export function predictionsCsv(predictions: readonly PredictedImage[]): string {
  const classes = classNames(predictions);
  return csv([
    ['name', 'label', 'score', ...classes],
    ...predictions.map((p) => [
      p.name,
      p.labels.join('; '),
      p.score,
      ...classes.map((label) => probabilityOf(p, label)),
    ]),
  ]);
}

export type PredictionSort = 'given' | 'least_sure' | 'most_sure' | 'label';

export function sorted<P extends PredictedImage>(predictions: readonly P[], by: PredictionSort): P[] {
  const copy = [...predictions];
  if (by === 'least_sure') copy.sort((a, b) => a.score - b.score);
  if (by === 'most_sure') copy.sort((a, b) => b.score - a.score);
  if (by === 'label') copy.sort((a, b) => a.label.localeCompare(b.label) || b.score - a.score);
  return copy;
}

/** How many images get each class, most frequent first. */
export function tally(predictions: readonly PredictedImage[]): { label: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const label of predictions.flatMap(({ labels }) => labels)) {
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts]
    .map(([label, count]) => ({ label, count }))
    .sort((a, b) => b.count - a.count || a.label.localeCompare(b.label));
}
