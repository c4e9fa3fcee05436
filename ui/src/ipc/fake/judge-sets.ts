import type { BinaryCounts, Evaluation, EvaluationSample, ModelVersion, Sample, Split } from '../types';
import { freeze } from './library';
import { newId, random } from './random';
import type { FakeDataset } from './world';

const THRESHOLD = 0.5;

/** A made-up model's answers about images with several classes: mostly right, wrong where a real one would be. */
export function judgeSets(
  dataset: FakeDataset,
  version: ModelVersion,
  split: Split,
  items: readonly Sample[],
): { wire: Evaluation; samples: EvaluationSample[] } {
  const { classes } = version;
  const indices = classes.map((_, k) => k);
  const samples = items.map((item, i): EvaluationSample => {
    const r = random(i * 17 + version.number * 5 + split.length);
    const actual_classes = indices.filter((k) => item.label_ids.includes(dataset.labels[k]?.id ?? ''));
    const probabilities = indices.map((k) => {
      const score = r() < 0.1 ? 0.2 + r() * 0.5 : 0.03 + r() * 0.35;
      return actual_classes.includes(k) ? 1 - score : score;
    });
    const right = probabilities.map((p, k) => (actual_classes.includes(k) ? p : 1 - p));
    return {
      sample_id: item.id,
      name: item.name,
      actual: null,
      predicted: null,
      actual_classes,
      predicted_classes: indices.filter((k) => (probabilities[k] ?? 0) >= THRESHOLD),
      probabilities,
      loss: right.reduce((sum, p) => sum - Math.log(p), 0) / Math.max(1, classes.length),
      current_label_id: null,
    };
  });
  return { wire: summary(dataset, version, split, samples), samples };
}

function countsOf(samples: readonly EvaluationSample[], k: number): BinaryCounts {
  const count = (actual: boolean, given: boolean): number =>
    samples.filter(
      (s) => s.actual_classes.includes(k) === actual && s.predicted_classes.includes(k) === given,
    ).length;
  return {
    true_positive: count(true, true),
    false_positive: count(false, true),
    false_negative: count(true, false),
    true_negative: count(false, false),
  };
}

function rates({ true_positive, false_positive, false_negative }: BinaryCounts): {
  precision: number;
  recall: number;
  f1: number;
} {
  const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);
  return {
    precision: ratio(true_positive, true_positive + false_positive),
    recall: ratio(true_positive, true_positive + false_negative),
    f1: ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative),
  };
}

function summary(
  dataset: FakeDataset,
  version: ModelVersion,
  split: Split,
  samples: EvaluationSample[],
): Evaluation {
  const { classes } = version;
  const counts = classes.map((_, k) => countsOf(samples, k));
  const sum = (of: (c: BinaryCounts) => number): number => counts.reduce((total, c) => total + of(c), 0);
  const all: BinaryCounts = {
    true_positive: sum((c) => c.true_positive),
    false_positive: sum((c) => c.false_positive),
    false_negative: sum((c) => c.false_negative),
    true_negative: sum((c) => c.true_negative),
  };
  const per_class = classes.map((name, class_idx) => {
    const c = counts[class_idx] as BinaryCounts;
    const support = c.true_positive + c.false_negative;
    const { precision, recall, f1 } = rates(c);
    const predicted = c.true_positive + c.false_positive;
    return { class_idx, name, precision, recall, f1, support, predicted, average_precision: 0.5 + f1 / 2 };
  });
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
  const same = (s: EvaluationSample): boolean => String(s.actual_classes) === String(s.predicted_classes);
  return {
    id: newId(),
    model_version_id: version.id,
    dataset_version_id: freeze(dataset).id,
    split,
    job_id: null,
    classes,
    summary: {
      sample_count: samples.length,
      accuracy: mean(samples.map((s) => (same(s) ? 1 : 0))),
      macro_f1: mean(per_class.map((c) => c.f1)),
      loss: mean(samples.map((s) => s.loss)),
      per_class,
      confusion: [],
      multilabel: {
        threshold: THRESHOLD,
        micro_f1: rates(all).f1,
        mean_average_precision: mean(per_class.map((c) => c.average_precision)),
        hamming_loss:
          (all.false_positive + all.false_negative) / Math.max(1, samples.length * classes.length),
        counts,
      },
    },
    created_ms: Date.now() - 5_400_000,
  };
}
