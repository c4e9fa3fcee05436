use serde_json::Value;

use super::*;

fn metrics() -> MultiLabelMetrics {
    let mut metrics = MultiLabelMetrics::new(3);
    metrics.add(&[true, true, false], &[0.9, 0.4, 0.1]).unwrap();
    metrics.add(&[false, true, false], &[0.6, 0.8, 0.2]).unwrap();
    metrics.add(&[true, false, false], &[0.7, 0.3, 0.3]).unwrap();
    metrics
}

#[test]
fn each_class_is_decided_by_itself() {
    let summary = metrics().compute(0.5);
    let [first, second, third] = summary.per_class[..] else { panic!("{summary:?}") };
    assert_eq!((first.score.precision, first.score.recall, first.score.support), (2.0 / 3.0, 1.0, 2));
    assert_eq!((second.score.precision, second.score.recall), (1.0, 0.5));
    assert_eq!((third.score.f1, third.average_precision), (0.0, None));
    assert_eq!(first.average_precision, Some(1.0), "ranked without a mistake");
    assert_eq!(summary.mean_average_precision, Some(1.0));
    // Right 3, predicted 4, true 4.
    assert_eq!(summary.micro_f1, 0.75);
    assert_eq!(summary.macro_f1, (0.8 + 2.0 / 3.0) / 3.0);
    assert_eq!((summary.exact_match, summary.sample_count), (1.0 / 3.0, 3));
    assert_eq!(summary.hamming_loss, 2.0 / 9.0);
}

#[test]
fn order_changes_nothing_and_a_lower_threshold_finds_more() {
    let mut turned = MultiLabelMetrics::new(3);
    turned.add(&[true, false, false], &[0.7, 0.3, 0.3]).unwrap();
    turned.add(&[true, true, false], &[0.9, 0.4, 0.1]).unwrap();
    turned.add(&[false, true, false], &[0.6, 0.8, 0.2]).unwrap();
    assert_eq!(turned.compute(0.5), metrics().compute(0.5));
    assert_eq!(metrics().compute(0.35).per_class[1].score.recall, 1.0);
    assert_eq!(MultiLabelMetrics::new(2).compute(0.5).mean_average_precision, None);
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_nothing_behind() {
    let mut metrics = MultiLabelMetrics::new(2);
    assert!(metrics.add(&[true], &[0.5, 0.5]).is_err());
    assert_eq!(metrics.add(&[true, false], &[f32::NAN, 0.5]).unwrap_err().code(), Code::NotFinite);
    assert_eq!(metrics.compute(0.5).sample_count, 0);
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn near(ours: f64, theirs: &Value, what: &str) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() < 1e-9, "{what}: ours {ours}, scikit-learn {theirs}");
}

fn near_or_none(ours: Option<f64>, theirs: &Value, what: &str) {
    match ours {
        Some(ours) => near(ours, theirs, what),
        None => assert!(theirs.is_null(), "{what}: ours none, scikit-learn {theirs}"),
    }
}

#[test]
fn equals_scikit_learn() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../tests/golden/multilabel_sklearn.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for case in file["cases"].as_array().unwrap() {
        let rows = |key: &str| case[key].as_array().unwrap().iter().map(floats);
        let mut metrics = MultiLabelMetrics::new(floats(&case["actual"][0]).len());
        for (actual, probabilities) in rows("actual").zip(rows("probabilities")) {
            let actual: Vec<bool> = actual.iter().map(|&v| v == 1.0).collect();
            let probabilities: Vec<f32> = probabilities.iter().map(|&p| p as f32).collect();
            metrics.add(&actual, &probabilities).unwrap();
        }
        let summary = metrics.compute(case["threshold"].as_f64().unwrap() as f32);
        near(summary.macro_f1, &case["macro_f1"], "macro F1");
        near(summary.micro_f1, &case["micro_f1"], "micro F1");
        near(summary.exact_match, &case["exact_match"], "subset accuracy");
        near(summary.hamming_loss, &case["hamming_loss"], "Hamming loss");
        near_or_none(summary.mean_average_precision, &case["mean_average_precision"], "mean average precision");
        for (class, ours) in summary.per_class.iter().enumerate() {
            near(ours.score.precision, &case["precision"][class], "precision");
            near(ours.score.recall, &case["recall"][class], "recall");
            near(ours.score.f1, &case["f1"][class], "F1");
            assert_eq!(ours.score.support, case["support"][class].as_u64().unwrap());
            near_or_none(ours.average_precision, &case["average_precision"][class], "average precision");
        }
    }
}

#[test]
fn counts_loss_and_names_go_on_to_the_summary() {
    let mut metrics = MultiLabelMetrics::new(2);
    let losses =
        [metrics.add(&[true, false], &[0.8, 0.6]).unwrap(), metrics.add(&[false, false], &[0.0, 0.25]).unwrap()];
    let expected = [-(f64::from(0.8f32).ln() + (1.0 - f64::from(0.6f32)).ln()) / 2.0, -0.75f64.ln() / 2.0];
    assert!(losses.iter().zip(expected).all(|(ours, theirs)| (ours - theirs).abs() < 1e-12), "{losses:?}");
    let names = ["a".to_owned(), "b".to_owned()];
    let summary = metrics.compute(0.5).named(&names).unwrap();
    let multilabel = summary.multilabel.unwrap();
    assert!((summary.loss - (losses[0] + losses[1]) / 2.0).abs() < 1e-12);
    assert_eq!((summary.accuracy, multilabel.hamming_loss, multilabel.threshold), (0.5, 0.25, 0.5));
    let [first, second] = multilabel.counts[..] else { panic!("{multilabel:?}") };
    assert_eq!((first.true_positive, first.true_negative, second.false_positive, second.true_negative), (1, 1, 1, 1));
    assert_eq!((summary.per_class[1].name.as_str(), summary.per_class[0].support), ("b", 1));
    assert!(metrics.compute(0.5).named(&names[..1]).is_err());
}
