use va_app::projects::{self, NewProject};
use va_app::{PageRequest, datasets};
use va_domain::{Entity, Event, Role};
use va_error::Code;

use crate::scene::{Scene, owner, with_role};

fn new(name: &str) -> NewProject {
    NewProject { name: name.to_owned(), ..NewProject::default() }
}

#[test]
fn a_project_is_made_with_its_dataset_and_everyone_hears_of_it() {
    let scene = Scene::new();
    let events = scene.app.subscribe();
    let project =
        projects::create(&scene.app, &owner(), &NewProject { with_dataset: true, ..new("  Line 4 ") }).unwrap();
    assert_eq!((project.name.as_str(), project.dataset_count), ("Line 4", 1));
    let linked = projects::datasets(&scene.app, project.id).unwrap();
    assert_eq!(linked[0].name, "Line 4");
    let entities: Vec<Entity> = events
        .try_iter()
        .filter_map(|event| match event {
            Event::Changed { entity, .. } => Some(entity),
            _ => None,
        })
        .collect();
    assert!(entities.contains(&Entity::Project) && entities.contains(&Entity::Dataset), "{entities:?}");
}

#[test]
fn a_taken_dataset_name_leaves_no_half_made_project() {
    let scene = Scene::new();
    let error = projects::create(&scene.app, &owner(), &NewProject { with_dataset: true, ..new("Tiles") }).unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    assert_eq!(projects::list(&scene.app, "", &PageRequest::default()).unwrap().total, 0);
}

#[test]
fn names_are_checked() {
    let scene = Scene::new();
    for name in ["", "  ", "a\u{7}b", &"x".repeat(201)] {
        assert_eq!(projects::create(&scene.app, &owner(), &new(name)).unwrap_err().code(), Code::InvalidInput);
    }
}

#[test]
fn an_update_keeps_what_it_does_not_name() {
    let scene = Scene::new();
    let made = projects::create(&scene.app, &owner(), &new("a")).unwrap();
    projects::update(&scene.app, &owner(), made.id, None, Some("about")).unwrap();
    let now = projects::update(&scene.app, &owner(), made.id, Some("b"), None).unwrap();
    assert_eq!((now.name.as_str(), now.description.as_str()), ("b", "about"));
    assert_eq!(projects::find_by_name(&scene.app, "B").unwrap().id, made.id);
}

#[test]
fn only_owners_make_and_delete_projects() {
    let scene = Scene::new();
    let made = projects::create(&scene.app, &owner(), &new("a")).unwrap();
    for role in [Role::Viewer, Role::Annotator, Role::Reviewer] {
        let actor = with_role(role);
        assert_eq!(projects::create(&scene.app, &actor, &new("b")).unwrap_err().code(), Code::Forbidden);
        assert_eq!(projects::delete(&scene.app, &actor, made.id).unwrap_err().code(), Code::Forbidden);
    }
    projects::delete(&scene.app, &owner(), made.id).unwrap();
    assert_eq!(projects::get(&scene.app, made.id).unwrap_err().code(), Code::NotFound);
}

#[test]
fn datasets_are_linked_and_unlinked_and_stay() {
    let scene = Scene::new();
    let made = projects::create(&scene.app, &owner(), &new("a")).unwrap();
    projects::link_dataset(&scene.app, &owner(), made.id, scene.dataset.id).unwrap();
    assert_eq!(projects::datasets(&scene.app, made.id).unwrap().len(), 1);
    projects::unlink_dataset(&scene.app, &owner(), made.id, scene.dataset.id).unwrap();
    assert_eq!(projects::datasets(&scene.app, made.id).unwrap().len(), 0);
    datasets::get(&scene.app, scene.dataset.id).unwrap();
}
