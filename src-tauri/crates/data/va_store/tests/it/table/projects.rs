use va_domain::{PageRequest, Project, Role, Task};
use va_error::Code;

use super::models::model;
use crate::scene::{Scene, create_dataset};

fn project(scene: &Scene, name: &str) -> Project {
    scene.audited(|tx| tx.projects_mut().create(name, "about", Task::Classification)).unwrap()
}

#[test]
fn a_project_counts_what_is_linked() {
    let (scene, samples, _) = Scene::with_samples(6);
    let id = project(&scene, "line 4").id;
    scene.audited(|tx| tx.projects_mut().link_dataset(id, scene.dataset)).unwrap();
    scene.audited(|tx| tx.projects_mut().link_dataset(id, scene.dataset)).unwrap();
    let model = model(&scene, "m");
    scene.audited(|tx| tx.models_mut().link(id, model.id)).unwrap();
    let now = scene.store.read(|read| read.projects().get(id)).unwrap();
    assert_eq!((now.dataset_count, now.sample_count, now.model_count), (1, 6, 1));
    assert_eq!(now.cover, samples[..4]);
    scene.audited(|tx| tx.models_mut().unlink(id, model.id)).unwrap();
    scene.audited(|tx| tx.projects_mut().unlink_dataset(id, scene.dataset)).unwrap();
    let now = scene.store.read(|read| read.projects().get(id)).unwrap();
    assert_eq!((now.dataset_count, now.sample_count, now.model_count, now.cover), (0, 0, 0, Vec::new()));
    let again = scene.audited(|tx| tx.projects_mut().unlink_dataset(id, scene.dataset));
    assert_eq!(again.unwrap_err().code(), Code::NotFound);
}

#[test]
fn the_cover_takes_from_every_dataset() {
    let (scene, samples, _) = Scene::with_samples(4);
    let other = create_dataset(&scene.store, "other").id;
    let op = va_store::Op::undoable(other, "import");
    let foreign =
        scene.store.transact(&crate::scene::owner(), op, |tx| crate::scene::insert(tx, other, "x", 99)).unwrap().output;
    let id = project(&scene, "p").id;
    scene
        .audited(|tx| {
            tx.projects_mut().link_dataset(id, scene.dataset)?;
            tx.projects_mut().link_dataset(id, other)
        })
        .unwrap();
    let cover = scene.store.read(|read| read.projects().get(id)).unwrap().cover;
    assert_eq!(cover, [samples[0], foreign, samples[1], samples[2]]);
}

#[test]
fn a_deleted_project_leaves_its_datasets_and_models() {
    let scene = Scene::new();
    let id = project(&scene, "p").id;
    let model = model(&scene, "m");
    scene
        .audited(|tx| {
            tx.projects_mut().link_dataset(id, scene.dataset)?;
            tx.models_mut().link(id, model.id)?;
            tx.projects_mut().delete(id)
        })
        .unwrap();
    assert_eq!(scene.dataset().name, "tiles");
    assert_eq!(scene.store.read(|read| read.models().get(model.id)).unwrap().name, "m");
    assert_eq!(scene.audited(|tx| tx.projects_mut().delete(id)).unwrap_err().code(), Code::NotFound);
    scene.assert_sound();
}

#[test]
fn names_are_unique_and_searchable() {
    let scene = Scene::new();
    let first = project(&scene, "Line 4");
    project(&scene, "Wood");
    let taken = scene.audited(|tx| tx.projects_mut().create("LINE 4", "", Task::Classification));
    assert_eq!(taken.unwrap_err().code(), Code::Conflict);
    let found = scene.store.read(|read| read.projects().list("ine", &PageRequest::default())).unwrap();
    assert_eq!(found.items, [first]);
}

#[test]
fn members_have_a_role_in_a_project() {
    let scene = Scene::new();
    let id = project(&scene, "p").id;
    let ann = scene.audited(|tx| tx.members_mut().create("ann", Role::Annotator)).unwrap();
    scene.audited(|tx| tx.projects_mut().put_member(id, ann.id, Role::Viewer)).unwrap();
    scene.audited(|tx| tx.projects_mut().put_member(id, ann.id, Role::Reviewer)).unwrap();
    assert_eq!(scene.store.read(|read| read.projects().members(id)).unwrap(), [(ann.id, Role::Reviewer)]);
    scene.audited(|tx| tx.projects_mut().remove_member(id, ann.id)).unwrap();
    assert_eq!(scene.audited(|tx| tx.projects_mut().remove_member(id, ann.id)).unwrap_err().code(), Code::NotFound);
}

#[test]
fn a_dataset_knows_its_projects() {
    let scene = Scene::new();
    let ids = ["b", "a"].map(|name| project(&scene, name).id);
    ids.iter().for_each(|id| scene.audited(|tx| tx.projects_mut().link_dataset(*id, scene.dataset)).unwrap());
    let names: Vec<String> = scene
        .store
        .read(|read| read.projects().of_dataset(scene.dataset))
        .unwrap()
        .into_iter()
        .map(|p| p.name)
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(scene.store.read(|read| read.datasets().of_project(ids[0])).unwrap().len(), 1);
}
