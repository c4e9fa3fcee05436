use serde_json::json;
use va_domain::{Dataset, Model, Page, Project, Task};
use va_error::Result;

use crate::args::ProjectCommand;
use crate::session::{Need, Session, every_page};
use crate::{names, output};

pub fn run(session: &Session, command: ProjectCommand) -> Result<()> {
    match command {
        ProjectCommand::Create { name, description, task, with_dataset } => {
            let task = Task::from(task);
            let request =
                json!({ "name": name, "description": description, "task": task, "with_dataset": with_dataset });
            let project: Project = session.with(Need::Library, |client| client.ask("project_create", request))?;
            if session.json {
                return output::json(&project);
            }
            output::line(format!("made the project {} ({})", project.name, project.id))
        }
        ProjectCommand::List => list(session),
        ProjectCommand::Show { project } => show(session, &project),
        ProjectCommand::Delete { project } => {
            let deleted: Project = session.with(Need::Library, |client| {
                let found = names::project(client, &project)?;
                client.call("project_delete", json!({ "id": found.id }))?;
                Ok(found)
            })?;
            if session.json {
                return output::json(&json!({}));
            }
            output::line(format!("deleted the project {}; its datasets and models stay", deleted.name))
        }
    }
}

fn list(session: &Session) -> Result<()> {
    let page: Page<Project> = session.with(Need::Library, |client| every_page(client, "project_list", &json!({})))?;
    if session.json {
        return output::json(&page);
    }
    let rows: Vec<_> = page
        .items
        .iter()
        .map(|p| {
            [
                p.name.clone(),
                p.dataset_count.to_string(),
                p.sample_count.to_string(),
                p.model_count.to_string(),
                p.id.to_string(),
            ]
        })
        .collect();
    output::table(
        ["project", "datasets", "samples", "models", "id"],
        &rows,
        "no projects yet: `visaion project create NAME`, or `visaion quickstart` for a first look",
    )
}

fn show(session: &Session, text: &str) -> Result<()> {
    let (project, datasets, models): (Project, Page<Dataset>, Page<Model>) = session.with(Need::Library, |client| {
        let project = names::project(client, text)?;
        let datasets = every_page(client, "project_datasets", &json!({ "id": project.id }))?;
        let models = every_page(client, "project_models", &json!({ "id": project.id }))?;
        Ok((project, datasets, models))
    })?;
    if session.json {
        let mut document = serde_json::to_value(&project)?;
        document["datasets"] = serde_json::to_value(&datasets.items)?;
        document["models"] = serde_json::to_value(&models.items)?;
        return output::json(&document);
    }
    output::line(format!("{} ({})", project.name, project.id))?;
    if !project.description.is_empty() {
        output::line(&project.description)?;
    }
    for dataset in &datasets.items {
        output::line(format!(
            "  dataset  {}  {} samples, {} labelled",
            dataset.name, dataset.sample_count, dataset.labelled_count
        ))?;
    }
    for model in &models.items {
        output::line(format!("  model    {}  {} versions", model.name, model.version_count))?;
    }
    Ok(())
}
