use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|class| format!("class {class}")).collect()
}

fn evaluate(samples: &[(u32, Vec<f32>)], classes: usize) -> EvaluationSummary {
    let mut metrics = ClassificationMetrics::new(classes);
    for (actual, probabilities) in samples {
        metrics.add(*actual, probabilities).unwrap();
    }
    metrics.compute(&names(classes)).unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn near(ours: f64, theirs: f64, what: &str) {
    assert!((ours - theirs).abs() < 1e-9, "{what}: ours {ours}, scikit-learn {theirs}");
}

#[test]
fn equals_scikit_learn() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../tests/golden/metrics_sklearn.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for case in file["cases"].as_array().unwrap() {
        let rows = case["probabilities"].as_array().unwrap();
        let actual = floats(&case["actual"]);
        let samples: Vec<(u32, Vec<f32>)> = actual
            .iter()
            .zip(rows)
            .map(|(actual, row)| (*actual as u32, floats(row).iter().map(|&p| p as f32).collect()))
            .collect();
        let summary = evaluate(&samples, samples[0].1.len());
        near(summary.accuracy, case["accuracy"].as_f64().unwrap(), "accuracy");
        near(summary.macro_f1, case["macro_f1"].as_f64().unwrap(), "macro F1");
        // scikit-learn normalises the rows, which f32 rounding leaves 1e-7 away from a sum of 1.
        assert!((summary.loss - case["loss"].as_f64().unwrap()).abs() < 1e-6);
        for (class, ours) in summary.per_class.iter().enumerate() {
            near(ours.precision, floats(&case["precision"])[class], "precision");
            near(ours.recall, floats(&case["recall"])[class], "recall");
            near(ours.f1, floats(&case["f1"])[class], "F1");
            assert_eq!(ours.support, case["support"][class].as_u64().unwrap());
            match case["average_precision"][class].as_f64() {
                Some(theirs) => near(ours.average_precision.unwrap(), theirs, "average precision"),
                None => assert_eq!(ours.average_precision, None),
            }
        }
        assert_eq!(serde_json::to_value(&summary.confusion).unwrap(), case["confusion"]);
    }
}

fn samples() -> impl Strategy<Value = Vec<(u32, Vec<f32>)>> {
    prop::collection::vec((0u32..3, prop::collection::vec(0.01f32..1.0, 3)), 1..60).prop_map(|samples| {
        let normal = |row: Vec<f32>| {
            let sum: f32 = row.iter().sum();
            row.into_iter().map(|p| p / sum).collect()
        };
        samples.into_iter().map(|(actual, row)| (actual, normal(row))).collect()
    })
}

proptest! {
    #[test]
    fn order_changes_nothing((samples, rotate) in (samples(), 0usize..60)) {
        let mut other = samples.clone();
        other.rotate_left(rotate % samples.len());
        other.reverse();
        prop_assert_eq!(evaluate(&samples, 3), evaluate(&other, 3));
    }

    #[test]
    fn counts_add_up_and_scores_stay_in_range(samples in samples()) {
        let summary = evaluate(&samples, 3);
        prop_assert_eq!(summary.confusion.iter().flatten().sum::<u64>(), samples.len() as u64);
        prop_assert_eq!(summary.per_class.iter().map(|c| c.support).sum::<u64>(), samples.len() as u64);
        prop_assert_eq!(summary.per_class.iter().map(|c| c.predicted).sum::<u64>(), samples.len() as u64);
        for class in &summary.per_class {
            for value in [class.precision, class.recall, class.f1, class.average_precision.unwrap_or(0.0)] {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&value));
            }
        }
        prop_assert!(summary.loss >= 0.0);
    }

    #[test]
    fn renaming_classes_permutes_the_result(samples in samples()) {
        let swapped: Vec<_> = samples.iter().map(|(a, p)| (2 - a, vec![p[2], p[1], p[0]])).collect();
        let (one, two) = (evaluate(&samples, 3), evaluate(&swapped, 3));
        // Ties of the largest probability go to the first class, so only tie-free samples are symmetric.
        prop_assume!(samples.iter().all(|(_, p)| p[0] != p[1] && p[1] != p[2] && p[0] != p[2]));
        prop_assert_eq!(one.accuracy, two.accuracy);
        prop_assert_eq!(one.per_class[0].f1, two.per_class[2].f1);
        prop_assert_eq!(one.per_class[0].average_precision, two.per_class[2].average_precision);
    }
}

#[test]
fn what_cannot_be_counted_is_refused_and_leaves_nothing_behind() {
    let mut metrics = ClassificationMetrics::new(2);
    assert_eq!(metrics.add(0, &[f32::NAN, 0.5]).unwrap_err().code(), Code::NotFinite);
    assert!(metrics.add(2, &[0.5, 0.5]).is_err());
    assert!(metrics.add(0, &[1.0]).is_err());
    assert!(metrics.is_empty());
    assert_eq!(metrics.confusion().total(), 0);
    let summary = metrics.compute(&names(2)).unwrap();
    assert_eq!((summary.accuracy, summary.loss, summary.macro_f1), (0.0, 0.0, 0.0));
}

#[test]
fn a_sure_mistake_has_a_large_but_finite_loss() {
    let mut metrics = ClassificationMetrics::new(2);
    let score = metrics.add(1, &[1.0, 0.0]).unwrap();
    assert_eq!(score.predicted, 0);
    assert!(score.loss > 36.0 && score.loss < 37.0);
}
