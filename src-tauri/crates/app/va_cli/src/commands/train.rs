use serde_json::{Value, json};
use va_api::{Client, job_result};
use va_domain::{Evaluation, EvaluationSummary, Job, ModelVersion, MultilabelSummary, Split, Task};
use va_error::{Error, Result};

use crate::follow::follow;
use crate::session::{Need, Session};
use crate::train_args::TrainArgs;
use crate::{names, output};

pub fn train(session: &Session, args: &TrainArgs) -> Result<()> {
    let (version, name): (ModelVersion, String) = session.with(Need::Jobs, |client| {
        let job: Job = client.ask("job_create", request(client, args)?)?;
        if !session.json {
            output::note(format!("job {}; Ctrl-C stops it at a checkpoint", job.id));
        }
        let result: Value = job_result(follow(session, client, &job)?)?;
        let request = json!({ "id": result["model_id"], "number": result["number"] });
        let name = result["model_name"].as_str().unwrap_or_default().to_owned();
        Ok((client.ask("model_version_get", request)?, name))
    })?;
    if session.json {
        return output::json(&version);
    }
    output::line(format!("{name}@{}", version.number))?;
    for (metric, value) in &version.metrics {
        output::note(format!("  {metric} {value:.4}"));
    }
    Ok(())
}

fn request(client: &Client, args: &TrainArgs) -> Result<Value> {
    let dataset = names::dataset(client, &args.dataset)?;
    let project = args.project.as_deref().map(|text| names::project(client, text)).transpose()?;
    let model = args.model.as_deref().map(|text| names::model_if_any(client, text)).transpose()?.flatten();
    let settings = args.settings()?;
    let mut request =
        json!({ "kind": "train", "dataset_id": dataset.id, "task": Task::from(args.task), "settings": settings });
    if let Some(project) = project {
        request["project_id"] = json!(project.id);
    }
    match (model, &args.model) {
        (Some(model), _) => request["model_id"] = json!(model.id),
        (None, Some(name)) => request["model_name"] = json!(name),
        (None, None) => {}
    }
    Ok(request)
}

pub fn evaluate(session: &Session, model: &str, split: Split) -> Result<()> {
    let evaluation: Evaluation = session.with(Need::Jobs, |client| {
        let version = names::model_version(client, model)?;
        let job: Job = client.ask("evaluation_create", json!({ "model_version_id": version.id, "split": split }))?;
        let result: Value = job_result(follow(session, client, &job)?)?;
        let id = result.get("evaluation_id").ok_or_else(|| Error::internal("BUG: an evaluation without an id"))?;
        client.ask("evaluation_get", json!({ "id": id }))
    })?;
    if session.json {
        return output::json(&evaluation);
    }
    let summary = &evaluation.summary;
    if let Some(multilabel) = &summary.multilabel {
        return multilabel_summary(summary, multilabel);
    }
    output::line(format!(
        "accuracy {}, macro F1 {}, loss {:.4} on {} samples",
        output::percent(summary.accuracy),
        output::percent(summary.macro_f1),
        summary.loss,
        summary.sample_count
    ))?;
    let rows: Vec<_> = summary
        .per_class
        .iter()
        .map(|c| {
            [
                c.name.clone(),
                output::percent(c.precision),
                output::percent(c.recall),
                output::percent(c.f1),
                c.support.to_string(),
            ]
        })
        .collect();
    output::table(["class", "precision", "recall", "f1", "samples"], &rows, "no classes")?;
    output::line("\nconfusion (rows: actual, columns: predicted)")?;
    for (row, class) in summary.confusion.iter().zip(&evaluation.classes) {
        let counts: Vec<String> = row.iter().map(|count| format!("{count:>6}")).collect();
        output::line(format!("{} {class}", counts.join("")))?;
    }
    Ok(())
}

fn multilabel_summary(summary: &EvaluationSummary, multilabel: &MultilabelSummary) -> Result<()> {
    output::line(format!(
        "mean average precision {}, micro F1 {}, macro F1 {}, every class right {}, wrong decisions {}, loss {:.4} on {} \
         samples",
        multilabel.mean_average_precision.map_or_else(|| "unknown".to_owned(), output::percent),
        output::percent(multilabel.micro_f1),
        output::percent(summary.macro_f1),
        output::percent(summary.accuracy),
        output::percent(multilabel.hamming_loss),
        summary.loss,
        summary.sample_count
    ))?;
    let rows: Vec<_> = summary
        .per_class
        .iter()
        .zip(&multilabel.counts)
        .map(|(class, counts)| {
            [
                class.name.clone(),
                output::percent(class.precision),
                output::percent(class.recall),
                output::percent(class.f1),
                class.average_precision.map_or_else(String::new, output::percent),
                class.support.to_string(),
                counts.false_negative.to_string(),
                counts.false_positive.to_string(),
            ]
        })
        .collect();
    let head = ["class", "precision", "recall", "f1", "average precision", "samples", "missed", "wrongly given"];
    output::table(head, &rows, "no classes")
}
