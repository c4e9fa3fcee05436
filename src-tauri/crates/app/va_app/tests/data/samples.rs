use va_app::{PageRequest, annotations, datasets, history, samples};
use va_domain::{Entity, Event, Geometry, LabelMode, Role, SampleFilter, SampleId, SampleSort, Split};
use va_error::Code;

use crate::scene::{Scene, owner, with_role};

#[test]
fn one_call_is_one_step_however_often_a_sample_is_named() {
    let scene = Scene::new();
    let label = scene.label("crack");
    let ids = scene.add(4);
    let named: Vec<SampleId> = ids.iter().chain(&ids).copied().collect();
    let state = samples::set_label(&scene.app, &owner(), &named, Some(label.id), LabelMode::Set).unwrap();
    assert_eq!(state.undo.map(|op| (op.op, op.count)), Some(("set_label".to_owned(), 4)));
    history::undo(&scene.app, &owner(), scene.dataset.id).unwrap();
    assert_eq!(datasets::get(&scene.app, scene.dataset.id).unwrap().labelled_count, 0);
}

#[test]
fn naming_nothing_or_samples_of_two_datasets_changes_nothing() {
    let scene = Scene::new();
    let ids = scene.add(1);
    assert_eq!(samples::delete(&scene.app, &owner(), &[]).unwrap_err().code(), Code::InvalidInput);
    let both = [ids[0], SampleId::new()];
    assert_eq!(samples::delete(&scene.app, &owner(), &both).unwrap_err().code(), Code::NotFound);
    samples::get(&scene.app, ids[0]).unwrap();
}

#[test]
fn an_update_sets_what_it_names() {
    let scene = Scene::new();
    let id = scene.add(1)[0];
    let now = samples::update(&scene.app, &owner(), id, Some("tile.png"), Some(Some(Split::Test))).unwrap();
    assert_eq!((now.name.as_str(), now.split), ("tile.png", Some(Split::Test)));
    let now = samples::update(&scene.app, &owner(), id, None, Some(None)).unwrap();
    assert_eq!((now.name.as_str(), now.split), ("tile.png", None));
    history::undo(&scene.app, &owner(), scene.dataset.id).unwrap();
    assert_eq!(samples::get(&scene.app, id).unwrap().split, Some(Split::Test));
}

#[test]
fn windows_lists_and_positions_agree() {
    let scene = Scene::new();
    let ids = scene.add(7);
    let all = SampleFilter::default();
    let window = samples::window(&scene.app, scene.dataset.id, &all, SampleSort::NameDesc, 2, 3).unwrap();
    assert_eq!(window.items.iter().map(|s| s.id).collect::<Vec<_>>(), [ids[4], ids[3], ids[2]]);
    let page = PageRequest { limit: Some(3), cursor: None };
    let list = samples::list(&scene.app, scene.dataset.id, &all, SampleSort::NameDesc, &page).unwrap();
    assert_eq!((list.items[0].id, list.total), (ids[6], 7));
    let at = samples::position(&scene.app, scene.dataset.id, &all, SampleSort::NameDesc, ids[3]).unwrap();
    assert_eq!(at, Some(3));
    let too_many = samples::window(&scene.app, scene.dataset.id, &all, SampleSort::Added, 0, 501);
    assert_eq!(too_many.unwrap_err().code(), Code::InvalidInput);
}

#[test]
fn everyone_hears_which_samples_changed_also_by_undo() {
    let scene = Scene::new();
    let label = scene.label("crack");
    let ids = scene.add(2);
    let events = scene.app.subscribe();
    let mut expected: Vec<_> = ids.iter().map(|id| id.0).collect();
    expected.sort_unstable();
    let heard = || {
        events.try_iter().any(|event| {
            matches!(event, Event::Changed { entity: Entity::Sample, ids, dataset_id }
            if ids == expected && dataset_id == Some(scene.dataset.id))
        })
    };
    samples::set_label(&scene.app, &owner(), &ids, Some(label.id), LabelMode::Set).unwrap();
    assert!(heard());
    history::undo(&scene.app, &owner(), scene.dataset.id).unwrap();
    assert!(heard());
}

#[test]
fn an_annotation_of_one_sample_is_not_reached_through_another() {
    let scene = Scene::new();
    let label = scene.label("crack");
    let ids = scene.add(2);
    let made = annotations::create(&scene.app, &owner(), ids[0], Some(label.id), &Geometry::Image).unwrap();
    assert_eq!(samples::get(&scene.app, ids[0]).unwrap().label_id, Some(label.id));
    let wrong = annotations::delete(&scene.app, &owner(), ids[1], made.id);
    assert_eq!(wrong.unwrap_err().code(), Code::NotFound);
    let none = annotations::update(&scene.app, &owner(), ids[0], made.id, Some(None), None);
    assert_eq!(none.unwrap_err().code(), Code::InvalidInput, "a class without a class is deleted instead");
    annotations::delete(&scene.app, &owner(), ids[0], made.id).unwrap();
    assert_eq!(annotations::list(&scene.app, ids[0]).unwrap(), []);
}

#[test]
fn viewers_only_look() {
    let scene = Scene::new();
    let ids = scene.add(1);
    let viewer = with_role(Role::Viewer);
    assert_eq!(
        samples::set_label(&scene.app, &viewer, &ids, None, LabelMode::Set).unwrap_err().code(),
        Code::Forbidden
    );
    assert_eq!(samples::delete(&scene.app, &viewer, &ids).unwrap_err().code(), Code::Forbidden);
    assert_eq!(history::undo(&scene.app, &viewer, scene.dataset.id).unwrap_err().code(), Code::Forbidden);
    samples::get(&scene.app, ids[0]).unwrap();
}
