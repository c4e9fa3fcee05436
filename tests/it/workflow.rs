//! The whole road through the commands: project, images, labels, undo, split, freeze, train, evaluate, export, predict.

use serde_json::{Value, json};
use va_api::{App, dispatch, finish};
use va_domain::{Actor, Job, Origin};

use crate::support::{library, png_bytes, write_classes};

#[track_caller]
fn call(app: &App, name: &str, request: Value) -> Value {
    let asked = request.to_string();
    match dispatch(app, &Actor::owner(Origin::Cli), name, request) {
        Ok(answer) => answer,
        Err(error) => panic!("{name} {asked}: {error:?}"),
    }
}

#[track_caller]
fn job(app: &App, name: &str, request: Value) -> Value {
    let job: Job = serde_json::from_value(call(app, name, request)).unwrap();
    finish(app, &job).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

#[test]
fn from_a_folder_of_images_to_a_verified_classifier() {
    let (dir, app) = library();
    let images = dir.path().join("images");
    write_classes(&images, 20);
    std::fs::write(images.join("dark/broken.png"), b"not an image").unwrap();

    let project = call(&app, "project_create", json!({ "name": "tiles", "with_dataset": true }));
    let datasets = call(&app, "project_datasets", json!({ "id": project["id"] }));
    let id = datasets["items"][0]["id"].clone();

    let preview = call(&app, "import_preview", json!({ "id": id, "path": images }));
    assert_eq!((preview["image_count"].as_u64(), preview["format"].as_str()), (Some(40), Some("folders")));
    let report = job(&app, "import_start", json!({ "id": id, "path": images }));
    assert_eq!(report["imported"], 40);
    assert!(report["left_out"]["warnings"][0]["subject"].as_str().unwrap().contains("broken.png"));

    label_and_undo(&app, &id);
    let version = split_and_freeze(&app, &id);
    let trained = train(&app, &project, &id);
    assert_eq!(call(&app, "project_models", json!({ "id": project["id"] }))["total"], 1);
    let lineage = call(&app, "model_lineage", json!({ "id": trained["model_id"], "number": 1 }));
    assert_eq!(lineage["dataset_version"]["id"], version["id"]);
    assert_eq!(lineage["job"]["kind"], "train");

    evaluate(&app, &trained);
    export(&app, &trained, dir.path());

    let fresh = dir.path().join("fresh.png");
    std::fs::write(&fresh, png_bytes(1, 777)).unwrap();
    let answer = call(&app, "model_predict", json!({ "id": trained["model_id"], "paths": [fresh] }));
    let prediction = &answer["predictions"][0];
    assert_eq!(prediction["probabilities"].as_array().unwrap().len(), 2, "{answer}");
    let sum: f64 =
        prediction["probabilities"].as_array().unwrap().iter().map(|p| p["probability"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-4, "{sum}");

    explain(&app, &trained["model_id"], &fresh);

    let audit = call(&app, "audit_list", json!({}));
    assert_eq!(audit["verified"], true);
    app.close().unwrap();
}

/// Where the model sees a class, and the network that sees it.
fn explain(app: &App, model: &Value, image: &std::path::Path) {
    let seen = call(app, "model_explain", json!({ "id": model, "path": image, "class_idx": 1 }));
    let count = seen["rows"].as_u64().unwrap() * seen["columns"].as_u64().unwrap();
    assert_eq!(seen["heat"].as_array().unwrap().len() as u64, count, "{seen}");
    assert_eq!((&seen["class_idx"], seen["layers"].as_array().unwrap().contains(&seen["layer"])), (&json!(1), true));
    for wrong in [json!({ "id": model }), json!({ "id": model, "path": image, "upload_id": "x" })] {
        let refused = dispatch(app, &Actor::owner(Origin::Cli), "model_explain", wrong).unwrap_err();
        assert!(refused.message().contains("name one image"), "{refused}");
    }
    let network = call(app, "model_network", json!({ "id": model, "number": 1 }));
    assert!(network["svg"].as_str().unwrap().contains("layer1.0") && network["parameters"].as_u64().unwrap() > 0);
}

fn label_and_undo(app: &App, id: &Value) {
    let labels = call(app, "label_list", json!({ "id": id }))["items"].clone();
    assert_eq!(labels[0]["name"], "dark");
    let filter = json!({ "label_ids": [labels[0]["id"]] });
    let window = call(app, "sample_window", json!({ "dataset_id": id, "filter": filter, "sort": "name", "limit": 2 }));
    assert_eq!(window["total"], 20);
    let chosen: Vec<_> = window["items"].as_array().unwrap().iter().map(|sample| sample["id"].clone()).collect();
    let history = call(app, "samples_set_label", json!({ "sample_ids": chosen, "label_id": labels[1]["id"] }));
    assert_eq!(history["undo"]["count"], 2);
    let of_dark = || call(app, "dataset_facets", json!({ "id": id }))["labels"][0]["sample_count"].clone();
    assert_eq!(of_dark(), 18);
    call(app, "history_undo", json!({ "id": id }));
    assert_eq!(of_dark(), 20);
    call(app, "history_redo", json!({ "id": id }));
    assert_eq!(of_dark(), 18);
    call(app, "history_undo", json!({ "id": id }));
    let split = call(app, "sample_update", json!({ "id": chosen[0], "split": "test" }));
    assert_eq!(split["split"], "test");
    let renamed = call(app, "sample_update", json!({ "id": chosen[0], "name": "first.png" }));
    assert_eq!(renamed["split"], "test", "an absent field is left alone");
    let cleared = call(app, "sample_update", json!({ "id": chosen[0], "split": null }));
    assert_eq!(cleared["split"], Value::Null, "null clears");
}

fn split_and_freeze(app: &App, id: &Value) -> Value {
    let request = json!({ "id": id, "train": 0.6, "val": 0.2, "test": 0.2, "seed": 7 });
    let counts = call(app, "dataset_split", request.clone());
    assert_eq!(
        (counts["train"].as_u64(), counts["val"].as_u64(), counts["test"].as_u64()),
        (Some(24), Some(8), Some(8))
    );
    let before: Value =
        call(app, "sample_list", json!({ "dataset_id": id, "splits": ["test"], "sort": "name" }))["items"].clone();
    call(app, "dataset_split", request);
    let after =
        call(app, "sample_list", json!({ "dataset_id": id, "splits": ["test"], "sort": "name" }))["items"].clone();
    let names = |items: &Value| items.as_array().unwrap().iter().map(|s| s["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after), "the same seed gives the same split");
    let version = call(app, "dataset_freeze", json!({ "id": id, "note": "first" }));
    let again = call(app, "dataset_freeze", json!({ "id": id }));
    assert_eq!(version["id"], again["id"], "nothing changed, so nothing new");
    version
}

fn train(app: &App, project: &Value, id: &Value) -> Value {
    let settings = json!({
        "arch": "resnet18", "epochs": 1, "image_size_px": 32, "batch_size": 8, "warmup_epochs": 0.0, "seed": 1,
        "ema_decay": 0.9, "mixup_alpha": 0.1, "class_balance": "weights", "schedule": "one_cycle", "micro_batch_size": 4,
        "augmentation": { "rotation": { "strength": 5.0, "probability": 0.5 } },
    });
    let forecast = call(app, "train_forecast", json!({ "dataset_id": id, "settings": settings }));
    assert!(forecast["steps"].as_u64().unwrap() >= 3, "{forecast}");
    assert_eq!(forecast["micro_batch_size"], 4);
    assert!(forecast["seconds"].as_f64().unwrap() > 0.0, "{forecast}");
    let request = json!({ "kind": "train", "dataset_id": id, "project_id": project["id"], "settings": settings });
    let trained = job(app, "job_create", request);
    let jobs = call(app, "job_list", json!({ "kind": "train" }));
    assert_eq!(jobs["items"][0]["state"], "succeeded");
    let notes = call(app, "job_notes", json!({ "id": jobs["items"][0]["id"] }));
    assert!(notes["notes"][0].as_str().unwrap().starts_with("started by"), "{notes}");
    let metrics = call(app, "job_metrics", json!({ "id": jobs["items"][0]["id"] }));
    let names: Vec<_> = metrics["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|series| series["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        names.iter().any(|name| name == "train/loss") && names.iter().any(|name| name == "val/accuracy"),
        "{names:?}"
    );
    trained
}

fn evaluate(app: &App, trained: &Value) {
    let result =
        job(app, "evaluation_create", json!({ "model_version_id": trained["model_version_id"], "split": "test" }));
    let evaluation = call(app, "evaluation_get", json!({ "id": result["evaluation_id"] }));
    assert_eq!(evaluation["summary"]["sample_count"], 8);
    let cells: u64 = evaluation["summary"]["confusion"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(cells, 8);
    let samples = call(app, "evaluation_samples", json!({ "id": evaluation["id"], "actual": 0 }));
    assert_eq!(samples["total"], 4);
}

fn export(app: &App, trained: &Value, dir: &std::path::Path) {
    let out = dir.join("model.onnx");
    let request = json!({ "id": trained["model_id"], "number": 1, "format": "onnx", "out": out });
    let file = job(app, "model_export", request);
    assert_eq!(file["certificate"]["verdict"], "PASS", "{file}");
    assert_eq!(std::fs::metadata(&out).unwrap().len(), file["size_bytes"].as_u64().unwrap());
    let id = trained["model_id"].as_str().unwrap();
    let path = format!("/models/{id}/versions/1/export/{}", file["file_name"].as_str().unwrap());
    assert_eq!(va_api::images::fetch(app, &path, "").unwrap().bytes, std::fs::read(&out).unwrap());
    assert!(va_api::images::fetch(app, &format!("/models/{id}/versions/1/export/..%2fweights"), "").is_err());
}
