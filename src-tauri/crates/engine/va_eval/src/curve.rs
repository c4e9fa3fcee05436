/// Precision and recall at every distinct score, from the highest threshold down.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrecisionRecallCurve {
    /// Samples with a score at or above it are predicted positive.
    pub thresholds: Vec<f64>,
    pub precision: Vec<f64>,
    pub recall: Vec<f64>,
}

/// The curve of one class against the rest, from (score, is positive). Equal scores share a threshold. Empty without
/// positives: recall is then undefined.
pub fn precision_recall_curve(scores: &[(f32, bool)]) -> PrecisionRecallCurve {
    let positives = scores.iter().filter(|(_, positive)| *positive).count();
    let mut curve = PrecisionRecallCurve::default();
    if positives == 0 {
        return curve;
    }
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut taken, mut right) = (0usize, 0usize);
    for group in sorted.chunk_by(|a, b| a.0 == b.0) {
        taken += group.len();
        right += group.iter().filter(|(_, positive)| *positive).count();
        curve.thresholds.push(f64::from(group[0].0));
        curve.precision.push(right as f64 / taken as f64);
        curve.recall.push(right as f64 / positives as f64);
    }
    curve
}

/// Area under the curve as scikit-learn's `average_precision_score`: the sum of precision times the gain in recall,
/// without interpolation. None without positives.
pub fn average_precision(scores: &[(f32, bool)]) -> Option<f64> {
    let curve = precision_recall_curve(scores);
    if curve.thresholds.is_empty() {
        return None;
    }
    let before = std::iter::once(&0.0).chain(&curve.recall);
    Some(curve.precision.iter().zip(&curve.recall).zip(before).map(|((p, recall), before)| p * (recall - before)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_share_a_threshold() {
        let curve = precision_recall_curve(&[(0.5, true), (0.9, true), (0.5, false), (0.1, false)]);
        assert_eq!(curve.thresholds, [f64::from(0.9f32), 0.5, f64::from(0.1f32)]);
        assert_eq!(curve.precision, [1.0, 2.0 / 3.0, 0.5]);
        assert_eq!(curve.recall, [0.5, 1.0, 1.0]);
    }

    #[test]
    fn a_perfect_ranking_has_area_one_and_none_has_none() {
        assert_eq!(average_precision(&[(0.2, false), (0.8, true), (0.9, true)]), Some(1.0));
        assert_eq!(average_precision(&[(0.2, false)]), None);
    }
}
