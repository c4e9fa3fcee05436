import type { ClassMetrics, Evaluation, EvaluationSample, ModelVersion, Split } from '../types';
import { freeze } from './library';
import { newId, random } from './random';
import { judgeSets } from './judge-sets';
import type { FakeDataset } from './world';

/** A made-up model's answers on a split: mostly right, wrong where a real one would be. */
export function judge(
  dataset: FakeDataset,
  version: ModelVersion,
  split: Split,
): { wire: Evaluation; samples: EvaluationSample[] } {
  const filter = { label_ids: [], splits: [split], no_split: false, search: '' };
  const { items } = dataset.samples.window(filter, 'added', 0, 2000);
  const classes = version.classes;
  if (dataset.samples.several) return judgeSets(dataset, version, split, items);
  const samples: EvaluationSample[] = items.flatMap((item, i) => {
    const actual = dataset.labels.findIndex((label) => label.id === item.label_id);
    if (actual < 0) return [];
    const r = random(i * 17 + version.number * 5 + split.length);
    const slip = r() < 0.055;
    const predicted = slip ? (actual + 1 + Math.floor(r() * (classes.length - 1))) % classes.length : actual;
    const top = slip ? 0.42 + r() * 0.52 : 0.6 + Math.sqrt(r()) * 0.397;
    return [
      {
        sample_id: item.id,
        name: item.name,
        actual,
        predicted,
        actual_classes: [actual],
        predicted_classes: [predicted],
        probabilities: classes.map((_, k) => (k === predicted ? top : (1 - top) / (classes.length - 1))),
        loss: -Math.log(slip ? (1 - top) / (classes.length - 1) : top),
        current_label_id: null,
      },
    ];
  });
  return { wire: summary(dataset, version, split, samples), samples };
}

function summary(
  dataset: FakeDataset,
  version: ModelVersion,
  split: Split,
  samples: EvaluationSample[],
): Evaluation {
  const classes = version.classes;
  const confusion = classes.map((_, a) =>
    classes.map((__, p) => samples.filter((s) => s.actual === a && s.predicted === p).length),
  );
  const per_class: ClassMetrics[] = classes.map((name, k) => {
    const hit = confusion[k]?.[k] ?? 0;
    const support = samples.filter((s) => s.actual === k).length;
    const predicted = samples.filter((s) => s.predicted === k).length;
    const [precision, recall] = [predicted ? hit / predicted : 0, support ? hit / support : 0];
    const f1 = precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;
    return {
      class_idx: k,
      name,
      precision,
      recall,
      f1,
      support,
      predicted,
      average_precision: support ? 0.5 + f1 / 2 : null,
    };
  });
  const right = samples.filter((s) => s.actual === s.predicted).length;
  return {
    id: newId(),
    model_version_id: version.id,
    dataset_version_id: freeze(dataset).id,
    split,
    job_id: null,
    classes,
    summary: {
      sample_count: samples.length,
      accuracy: right / Math.max(1, samples.length),
      macro_f1: per_class.reduce((sum, c) => sum + c.f1, 0) / Math.max(1, classes.length),
      loss: samples.reduce((sum, s) => sum + s.loss, 0) / Math.max(1, samples.length),
      per_class,
      confusion,
    },
    created_ms: Date.now() - 5_400_000,
  };
}
