use std::collections::BTreeMap;

use va_domain::{
    ExportFile, InitialWeights, JobId, Model, ModelExportFormat, ModelPrecision, ModelVersion, ModelVersionId,
    PageRequest, Preprocessing, Task, TrainSettings,
};
use va_error::Code;

use crate::scene::Scene;

pub fn model(scene: &Scene, name: &str) -> Model {
    scene.audited(|tx| tx.models_mut().create(name, Task::Classification)).unwrap()
}

pub fn version(scene: &Scene, model: &Model) -> ModelVersion {
    let dataset_version = scene.audited(|tx| tx.dataset_versions_mut().freeze(scene.dataset, "")).unwrap();
    let new = ModelVersion {
        id: ModelVersionId::new(),
        model_id: model.id,
        number: 0,
        arch: "resnet18".to_owned(),
        classes: vec!["ok".to_owned()],
        preprocessing: Preprocessing { image_size_px: 64, mean: [0.5; 3], std: [0.25; 3] },
        settings: TrainSettings::default(),
        seed: u64::MAX,
        dataset_version_id: dataset_version.id,
        job_id: Some(JobId::new()),
        parent: model.latest.as_ref().map(|latest| latest.id),
        engine_version: "va_engine 0.1.0 cpu".to_owned(),
        weights_hash: "ab".repeat(32),
        metrics: BTreeMap::from([("val/accuracy".to_owned(), 0.97)]),
        initial_weights: Some(InitialWeights {
            name: "resnet18.a1_in1k".to_owned(),
            sha256: "cd".repeat(32),
            licence: Some("Apache-2.0".to_owned()),
            source_url: None,
            report: None,
        }),
        exports: Vec::new(),
        created_ms: 9,
    };
    scene.audited(|tx| tx.model_versions_mut().insert(&new)).unwrap()
}

fn export(name: &str, size_bytes: u64) -> ExportFile {
    ExportFile {
        format: ModelExportFormat::Onnx,
        precision: ModelPrecision::Fp16,
        file_name: name.to_owned(),
        size_bytes,
        sha256: String::new(),
        created_ms: 1,
        certificate: None,
    }
}

#[test]
fn a_version_is_kept_with_its_whole_lineage() {
    let scene = Scene::new();
    let model = model(&scene, "tiles");
    let first = version(&scene, &model);
    assert_eq!((first.number, first.seed, first.parent), (1, u64::MAX, None));
    let again = scene.store.read(|read| read.models().get(model.id)).unwrap();
    assert_eq!((again.version_count, again.latest.as_ref()), (1, Some(&first)));
    let second = version(&scene, &again);
    assert_eq!((second.number, second.parent), (2, Some(first.id)));
    assert_eq!(scene.store.read(|read| read.model_versions().get(second.id)).unwrap(), second);
    assert_eq!(scene.store.read(|read| read.model_versions().by_number(model.id, 1)).unwrap(), first);
    assert_eq!(
        scene.store.read(|read| read.model_versions().of_job(second.job_id.unwrap())).unwrap(),
        Some(second.clone())
    );
    assert_eq!(scene.store.read(|read| read.model_versions().of_model(model.id)).unwrap(), [second, first]);
}

#[test]
fn an_export_replaces_one_of_the_same_name() {
    let scene = Scene::new();
    let made = version(&scene, &model(&scene, "tiles"));
    scene.audited(|tx| tx.model_versions_mut().put_export(made.id, export("a.onnx", 1))).unwrap();
    scene.audited(|tx| tx.model_versions_mut().put_export(made.id, export("b.onnx", 2))).unwrap();
    let now = scene.audited(|tx| tx.model_versions_mut().put_export(made.id, export("a.onnx", 3))).unwrap();
    assert_eq!(now.exports, [export("b.onnx", 2), export("a.onnx", 3)]);
}

#[test]
fn names_are_unique_and_lists_are_by_name() {
    let scene = Scene::new();
    let first = model(&scene, "Zebra");
    model(&scene, "ant");
    let taken = scene.audited(|tx| tx.models_mut().create("ZEBRA", Task::Classification));
    assert_eq!(taken.unwrap_err().code(), Code::Conflict);
    let list = scene.store.read(|read| read.models().list("", &PageRequest::default())).unwrap();
    assert_eq!(list.items.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(), ["ant", "Zebra"]);
    assert_eq!(scene.store.read(|read| read.models().find_by_name("zebra")).unwrap().unwrap().id, first.id);
    let renamed = scene.audited(|tx| tx.models_mut().rename(first.id, "zebra")).unwrap();
    assert_eq!(renamed.name, "zebra");
}

#[test]
fn a_dataset_says_which_models_need_it() {
    let scene = Scene::new();
    let needed = || scene.store.read(|read| read.datasets().dependent_model_versions(scene.dataset)).unwrap();
    assert_eq!(needed(), 0);
    let model = model(&scene, "tiles");
    version(&scene, &model);
    assert_eq!(needed(), 1);
    scene.audited(|tx| tx.models_mut().delete(model.id)).unwrap();
    assert_eq!(needed(), 0);
    assert_eq!(scene.audited(|tx| tx.models_mut().delete(model.id)).unwrap_err().code(), Code::NotFound);
}

#[test]
fn a_version_needs_its_model_and_its_data() {
    let scene = Scene::new();
    let made = version(&scene, &model(&scene, "tiles"));
    let orphan = ModelVersion { id: ModelVersionId::new(), model_id: va_domain::ModelId::new(), ..made.clone() };
    assert_eq!(scene.audited(|tx| tx.model_versions_mut().insert(&orphan)).unwrap_err().code(), Code::NotFound);
    let orphan =
        ModelVersion { id: ModelVersionId::new(), dataset_version_id: va_domain::DatasetVersionId::new(), ..made };
    assert_eq!(scene.audited(|tx| tx.model_versions_mut().insert(&orphan)).unwrap_err().code(), Code::NotFound);
}
