//! The images behind a cell of the confusion matrix, behind a threshold, or behind the errors.

use std::cmp::Ordering;

use va_domain::{EvaluationSample, MULTILABEL_THRESHOLD, Page, PageRequest};
use va_error::{Error, Result};

use super::{ClassMistake, EvaluationSamplesRequest};
use crate::App;

/// A page of an evaluation's samples. The most confident mistakes come first, then the least confident of the right
/// ones: what a person should look at first.
///
/// # Errors
/// `NotFound`; `InvalidInput` for a class that is not one of the evaluation's, a threshold outside 0–1 or without its
/// class, a limit or cursor that is not ours.
pub fn samples(app: &App, request: &EvaluationSamplesRequest) -> Result<Page<EvaluationSample>> {
    let page = PageRequest { limit: request.limit, cursor: request.cursor.clone() };
    let limit = page.checked_limit()? as usize;
    // An evaluation never changes, so a position in its order is a stable cursor.
    let from = match &page.cursor {
        None => 0,
        Some(cursor) => cursor
            .parse::<usize>()
            .map_err(|_| Error::invalid("this cursor does not belong to this list; begin again without a cursor"))?,
    };
    app.store().read(|read| {
        let evaluation = read.evaluations().get(request.id)?;
        let test = Test::new(request, evaluation.classes.len())?;
        let mut found: Vec<EvaluationSample> =
            read.predictions().all(request.id)?.into_iter().filter(|sample| test.passes(sample)).collect();
        found.sort_by(|a, b| test.order(a, b));
        let total = found.len();
        let mut items: Vec<EvaluationSample> = found.into_iter().skip(from).take(limit).collect();
        let dataset = read.dataset_versions().get(evaluation.dataset_version_id)?.dataset_id;
        let labels = read.labels().of_dataset(dataset)?;
        for item in &mut items {
            // Of several classes the screen shows what they are now by the sample itself.
            let Some(actual) = item.actual else { continue };
            let frozen = evaluation.classes.get(actual as usize);
            item.current_label_id = read.predictions().current_labels(item.sample_id)?.first().copied().filter(|now| {
                let name = labels.iter().find(|label| label.id == *now).map(|label| &label.name);
                name != frozen
            });
        }
        let next = from + items.len();
        Ok(Page { items, next_cursor: (next < total).then(|| next.to_string()), total: total as u64 })
    })
}

/// The request as a test and an order.
struct Test {
    actual: Option<u32>,
    predicted: Option<u32>,
    wrong_only: bool,
    /// One class against the rest: class and threshold.
    against_rest: Option<(u32, f32)>,
    mistake: Option<ClassMistake>,
}

impl Test {
    fn new(request: &EvaluationSamplesRequest, classes: usize) -> Result<Self> {
        for class in [request.actual, request.predicted, request.class_idx].into_iter().flatten() {
            if class as usize >= classes {
                return Err(Error::invalid(format!(
                    "class {class} does not exist; the classes are 0 to {}",
                    classes.saturating_sub(1)
                )));
            }
        }
        let against_rest = match (request.class_idx, request.threshold) {
            (Some(class), Some(threshold)) if (0.0..=1.0).contains(&threshold) => Some((class, threshold as f32)),
            (_, Some(threshold)) if !(0.0..=1.0).contains(&threshold) => {
                return Err(Error::invalid(format!("the threshold is {threshold}; it must be between 0 and 1")));
            }
            (None, Some(_)) => return Err(Error::invalid("a threshold needs class_idx, the class that it is for")),
            _ => None,
        };
        let EvaluationSamplesRequest { actual, predicted, wrong_only, mistake, .. } = *request;
        if mistake.is_some() && against_rest.is_none() {
            return Err(Error::invalid(
                "one kind of mistake needs class_idx and threshold, the class and where it is decided",
            ));
        }
        Ok(Self { actual, predicted, wrong_only, against_rest, mistake })
    }

    fn passes(&self, sample: &EvaluationSample) -> bool {
        let cell = self.actual.is_none_or(|class| sample.actual_classes.contains(&class))
            && self.predicted.is_none_or(|class| sample.predicted_classes.contains(&class));
        let wanted = match self.against_rest {
            Some((class, _)) if self.mistake.is_some() => {
                let is_there = sample.actual_classes.contains(&class);
                self.is_wrong(sample) && is_there == (self.mistake == Some(ClassMistake::Missed))
            }
            None => !self.wrong_only || self.is_wrong(sample),
            Some(_) if self.wrong_only => self.is_wrong(sample),
            Some((class, threshold)) => probability(sample, class) >= threshold,
        };
        cell && wanted
    }

    fn is_wrong(&self, sample: &EvaluationSample) -> bool {
        match self.against_rest {
            None => sample.actual_classes != sample.predicted_classes,
            Some((class, threshold)) => {
                (probability(sample, class) >= threshold) != sample.actual_classes.contains(&class)
            }
        }
    }

    /// How sure the model was of what it said.
    fn confidence(&self, sample: &EvaluationSample) -> f32 {
        match self.against_rest {
            None => match sample.predicted {
                Some(class) => probability(sample, class),
                None => surest_mistake(sample),
            },
            Some((class, threshold)) => (probability(sample, class) - threshold).abs(),
        }
    }

    fn order(&self, a: &EvaluationSample, b: &EvaluationSample) -> Ordering {
        let (wrong_a, wrong_b) = (self.is_wrong(a), self.is_wrong(b));
        let by_confidence = self.confidence(b).total_cmp(&self.confidence(a));
        let by_confidence = if wrong_a { by_confidence } else { by_confidence.reverse() };
        wrong_b.cmp(&wrong_a).then(by_confidence).then(a.sample_id.cmp(&b.sample_id))
    }
}

/// Of several classes: how far beyond one half the surest wrong decision is, or of the right ones the least sure.
fn surest_mistake(sample: &EvaluationSample) -> f32 {
    let (mut wrong, mut right) = (None::<f32>, f32::MAX);
    for (class, p) in (0u32..).zip(&sample.probabilities) {
        let sure = (p - MULTILABEL_THRESHOLD).abs();
        if sample.actual_classes.contains(&class) == sample.predicted_classes.contains(&class) {
            right = right.min(sure);
        } else {
            wrong = Some(wrong.unwrap_or(0.0).max(sure));
        }
    }
    wrong.unwrap_or(right)
}

fn probability(sample: &EvaluationSample, class: u32) -> f32 {
    sample.probabilities.get(class as usize).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use va_domain::{EvaluationId, SampleId};

    fn request() -> EvaluationSamplesRequest {
        EvaluationSamplesRequest {
            id: EvaluationId::new(),
            actual: None,
            predicted: None,
            wrong_only: false,
            threshold: None,
            class_idx: None,
            mistake: None,
            limit: None,
            cursor: None,
        }
    }

    fn sample(name: &str, actual: u32, probabilities: [f32; 2]) -> EvaluationSample {
        let predicted = u32::from(probabilities[1] > probabilities[0]);
        EvaluationSample {
            sample_id: SampleId::new(),
            name: name.into(),
            actual: Some(actual),
            predicted: Some(predicted),
            actual_classes: vec![actual],
            predicted_classes: vec![predicted],
            probabilities: probabilities.to_vec(),
            loss: 0.0,
            current_label_id: None,
        }
    }

    fn names(request: &EvaluationSamplesRequest) -> Vec<String> {
        let test = Test::new(request, 2).unwrap();
        let mut all = vec![
            sample("right and sure", 0, [0.9, 0.1]),
            sample("right and unsure", 1, [0.45, 0.55]),
            sample("wrong and unsure", 0, [0.4, 0.6]),
            sample("wrong and sure", 1, [0.8, 0.2]),
        ];
        all.retain(|sample| test.passes(sample));
        all.sort_by(|a, b| test.order(a, b));
        all.into_iter().map(|sample| sample.name).collect()
    }

    #[test]
    fn confident_mistakes_come_first_and_sure_hits_last() {
        assert_eq!(names(&request()), ["wrong and sure", "wrong and unsure", "right and unsure", "right and sure"]);
        assert_eq!(
            names(&EvaluationSamplesRequest { wrong_only: true, ..request() }),
            ["wrong and sure", "wrong and unsure"]
        );
        let cell = EvaluationSamplesRequest { actual: Some(1), predicted: Some(0), ..request() };
        assert_eq!(names(&cell), ["wrong and sure"]);
    }

    #[test]
    fn a_threshold_is_one_class_against_the_rest() {
        let at = |threshold, wrong_only| {
            let request =
                EvaluationSamplesRequest { threshold: Some(threshold), class_idx: Some(1), wrong_only, ..request() };
            let mut names = names(&request);
            names.sort();
            names
        };
        assert_eq!(at(0.58, false), ["wrong and unsure"]);
        assert_eq!(at(0.58, true), ["right and unsure", "wrong and sure", "wrong and unsure"], "misses count too");
        assert_eq!(at(0.0, false).len(), 4);
    }

    #[test]
    fn of_several_classes_each_is_missed_or_given_wrongly_by_itself() {
        let set = |name: &str, actual: &[u32], probabilities: [f32; 2]| EvaluationSample {
            actual: None,
            predicted: None,
            actual_classes: actual.to_vec(),
            predicted_classes: (0..2).filter(|class| probabilities[*class as usize] >= 0.5).collect(),
            ..sample(name, 0, probabilities)
        };
        let all = [
            set("both right", &[0, 1], [0.9, 0.7]),
            set("none, unsure", &[], [0.4, 0.1]),
            set("second missed", &[0, 1], [0.8, 0.3]),
            set("first given", &[1], [0.95, 0.6]),
        ];
        let names = |request: EvaluationSamplesRequest| {
            let test = Test::new(&request, 2).unwrap();
            let mut found: Vec<_> = all.iter().filter(|sample| test.passes(sample)).collect();
            found.sort_by(|a, b| test.order(a, b));
            found.into_iter().map(|sample| sample.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names(request()), ["first given", "second missed", "none, unsure", "both right"]);
        assert_eq!(names(EvaluationSamplesRequest { actual: Some(0), ..request() }), ["second missed", "both right"]);
        let of = |class, mistake| {
            let (class_idx, threshold, mistake) = (Some(class), Some(0.5), Some(mistake));
            names(EvaluationSamplesRequest { class_idx, threshold, mistake, ..request() })
        };
        assert_eq!(of(1, ClassMistake::Missed), ["second missed"]);
        assert_eq!(of(0, ClassMistake::FalseAlarm), ["first given"]);
        assert!(of(0, ClassMistake::Missed).is_empty() && of(1, ClassMistake::FalseAlarm).is_empty());
        let alone = EvaluationSamplesRequest { mistake: Some(ClassMistake::Missed), ..request() };
        assert!(Test::new(&alone, 2).err().unwrap().message().contains("class_idx"));
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        let check = |request: EvaluationSamplesRequest| Test::new(&request, 2).err().unwrap().message().to_owned();
        assert!(check(EvaluationSamplesRequest { actual: Some(2), ..request() }).contains("0 to 1"));
        assert!(check(EvaluationSamplesRequest { threshold: Some(0.5), ..request() }).contains("class_idx"));
        let wild = EvaluationSamplesRequest { threshold: Some(1.5), class_idx: Some(0), ..request() };
        assert!(check(wild).contains("between 0 and 1"));
    }
}
