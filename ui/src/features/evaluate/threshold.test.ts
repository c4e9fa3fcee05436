import { describe, expect, it } from 'vitest';
import { ThresholdTable, type Scored } from './threshold';

const scored = (positives: number[], negatives: number[]): Scored[] => [
  ...positives.map((score) => ({ score, positive: true })),
  ...negatives.map((score) => ({ score, positive: false })),
];

describe('ThresholdTable', () => {
  const table = new ThresholdTable(scored([0.9, 0.8, 0.3], [0.6, 0.2, 0.1]));

  it('counts escapes and overkill at a threshold', () => {
    expect(table.at(0.5)).toMatchObject({
      truePositives: 2,
      falsePositives: 1,
      falseNegatives: 1,
      trueNegatives: 2,
    });
    expect(table.at(0.5).precision).toBeCloseTo(2 / 3, 12);
    expect(table.at(0.5).recall).toBeCloseTo(2 / 3, 12);
  });

  it('takes a score that equals the threshold as the class', () => {
    expect(table.at(0.8).truePositives).toBe(2);
    expect(table.at(0.8000001).truePositives).toBe(1);
  });

  it('calls everything the class at 0 and nothing above the highest score', () => {
    expect(table.at(0)).toMatchObject({ falseNegatives: 0, trueNegatives: 0, recall: 1 });
    expect(table.at(1)).toMatchObject({ truePositives: 0, falsePositives: 0, precision: 0, f1: 0 });
  });

  it('agrees with counting one by one', () => {
    let state = 7;
    const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
    const samples = Array.from({ length: 400 }, () => ({
      score: Math.round(random() * 50) / 50,
      positive: random() > 0.7,
    }));
    const fast = new ThresholdTable(samples);
    for (let threshold = 0; threshold <= 1; threshold += 0.05) {
      const called = samples.filter((sample) => sample.score >= threshold);
      expect(fast.at(threshold).truePositives).toBe(called.filter((sample) => sample.positive).length);
      expect(fast.at(threshold).falsePositives).toBe(called.filter((sample) => !sample.positive).length);
    }
  });

  it('gives the trade-off from the highest score down', () => {
    const curve = table.curve();
    expect(curve.map((point) => point.threshold)).toEqual([0.9, 0.8, 0.6, 0.3, 0.2, 0.1]);
    expect(curve.map((point) => point.recall)).toEqual([1 / 3, 2 / 3, 2 / 3, 1, 1, 1]);
    expect(curve[2]?.precision).toBeCloseTo(2 / 3, 12);
  });

  it('finds the best F1 between two scores', () => {
    const clean = new ThresholdTable(scored([0.9, 0.7], [0.3, 0.1]));
    expect(clean.best()).toBeCloseTo(0.5, 12);
    expect(clean.at(clean.best()).f1).toBe(1);
  });

  it('has an answer without positives and without samples', () => {
    expect(new ThresholdTable(scored([], [0.4])).best()).toBe(0.5);
    expect(new ThresholdTable([]).at(0.5)).toMatchObject({ precision: 0, recall: 0, truePositives: 0 });
  });
});
