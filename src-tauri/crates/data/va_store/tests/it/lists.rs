use va_domain::{LabelId, LabelledState, PageRequest, SampleFilter, SampleId, SampleSort, Split};
use va_error::Code;

use crate::scene::{Scene, insert};

const SORTS: [SampleSort; 6] = [
    SampleSort::Added,
    SampleSort::AddedDesc,
    SampleSort::Name,
    SampleSort::NameDesc,
    SampleSort::Label,
    SampleSort::SizeDesc,
];

fn scene() -> (Scene, Vec<SampleId>, Vec<LabelId>) {
    let scene = Scene::new();
    let labels = ["ok", "crack"].map(|name| scene.label(name).id).to_vec();
    let names = ["Delta.jpg", "alpha.jpg", "Ärger.jpg", "bravo.jpg", "charlie.jpg", "alpha.jpg"];
    let samples = scene
        .undoable("import", |tx| {
            names
                .iter()
                .enumerate()
                .map(|(n, name)| insert(tx, scene.dataset, name, [3, 5, 1, 4, 2, 0][n]))
                .collect::<Result<Vec<_>, _>>()
        })
        .unwrap();
    scene.set_label(&samples[..2], Some(labels[1]));
    scene.set_label(&samples[2..3], Some(labels[0]));
    scene.set_split(&samples[..3], Some(Split::Train));
    scene.set_split(&samples[3..4], Some(Split::Test));
    (scene, samples, labels)
}

fn filters(labels: &[LabelId]) -> Vec<SampleFilter> {
    let base = SampleFilter::default;
    vec![
        base(),
        SampleFilter { label_ids: labels[..1].to_vec(), ..base() },
        SampleFilter { label_ids: labels.to_vec(), ..base() },
        SampleFilter { splits: vec![Split::Train], ..base() },
        SampleFilter { splits: vec![Split::Train, Split::Test], no_split: true, ..base() },
        SampleFilter { no_split: true, ..base() },
        SampleFilter { state: Some(LabelledState::Unlabelled), ..base() },
        SampleFilter { state: Some(LabelledState::Labelled), splits: vec![Split::Train], ..base() },
        SampleFilter { search: "ALPHA".to_owned(), ..base() },
    ]
}

#[test]
fn every_sort_orders_as_it_says() {
    let (scene, ..) = scene();
    let names = |sort| scene.names(&SampleFilter::default(), sort).join(" ").replace(".jpg", "");
    assert_eq!(names(SampleSort::Added), "Delta alpha Ärger bravo charlie alpha");
    assert_eq!(names(SampleSort::AddedDesc), "alpha charlie bravo Ärger alpha Delta");
    assert_eq!(names(SampleSort::Name), "alpha alpha bravo charlie Delta Ärger");
    assert_eq!(names(SampleSort::NameDesc), "Ärger Delta charlie bravo alpha alpha");
    assert_eq!(names(SampleSort::Label), "Ärger Delta alpha bravo charlie alpha");
    assert_eq!(names(SampleSort::SizeDesc), "alpha bravo Delta charlie Ärger alpha");
}

#[test]
fn every_filter_lets_through_what_it_says() {
    let (scene, _, labels) = scene();
    let counts: Vec<usize> =
        filters(&labels).iter().map(|filter| scene.names(filter, SampleSort::Added).len()).collect();
    assert_eq!(counts, [6, 1, 3, 3, 6, 2, 3, 3, 2]);
}

#[test]
fn search_ignores_case_beyond_ascii_and_takes_text_as_it_is() {
    let (scene, ..) = scene();
    let found =
        |search: &str| scene.names(&SampleFilter { search: search.to_owned(), ..Default::default() }, SampleSort::Name);
    assert_eq!(found("äRG"), ["Ärger.jpg"]);
    assert_eq!(found("%"), Vec::<String>::new());
    assert_eq!(found("_lpha"), Vec::<String>::new());
    assert_eq!(found("  delta "), ["Delta.jpg"]);
}

#[test]
fn pages_behind_each_other_are_the_window() {
    let (scene, _, labels) = scene();
    for filter in filters(&labels) {
        for sort in SORTS {
            for limit in [1, 2, 5, 100] {
                let mut paged = Vec::new();
                let mut page = PageRequest { limit: Some(limit), cursor: None };
                loop {
                    let found = scene.store.sample_list(scene.dataset, &filter, sort, &page).unwrap();
                    assert_eq!(found.total, scene.names(&filter, sort).len() as u64);
                    paged.extend(found.items.into_iter().map(|sample| sample.name));
                    match found.next_cursor {
                        Some(cursor) => page.cursor = Some(cursor),
                        None => break,
                    }
                }
                assert_eq!(paged, scene.names(&filter, sort), "{sort:?} {filter:?} {limit}");
            }
        }
    }
}

#[test]
fn a_page_goes_on_behind_a_sample_that_was_deleted_meanwhile() {
    let (scene, samples, _) = scene();
    let page = PageRequest { limit: Some(2), cursor: None };
    let first = scene.store.sample_list(scene.dataset, &SampleFilter::default(), SampleSort::Added, &page).unwrap();
    scene.delete(&samples[1..2]);
    let page = PageRequest { limit: Some(2), cursor: first.next_cursor };
    let second = scene.store.sample_list(scene.dataset, &SampleFilter::default(), SampleSort::Added, &page).unwrap();
    assert_eq!(second.items.iter().map(|sample| sample.id).collect::<Vec<_>>(), samples[2..4]);
}

#[test]
fn windows_and_positions_agree() {
    let (scene, samples, labels) = scene();
    for filter in filters(&labels) {
        for sort in SORTS {
            for (offset, name) in scene.names(&filter, sort).into_iter().enumerate() {
                let one = scene.store.sample_window(scene.dataset, &filter, sort, offset as u64, 1).unwrap();
                assert_eq!(one.items[0].name, name);
                let at = scene.store.sample_position(scene.dataset, &filter, sort, one.items[0].id).unwrap();
                assert_eq!(at, Some(offset as u64));
            }
        }
    }
    let unlabelled = SampleFilter { state: Some(LabelledState::Unlabelled), ..Default::default() };
    assert_eq!(scene.store.sample_position(scene.dataset, &unlabelled, SampleSort::Added, samples[0]).unwrap(), None);
}

#[test]
fn a_view_follows_every_change_undo_and_redo() {
    let (scene, samples, labels) = scene();
    let filter = SampleFilter { label_ids: vec![labels[0]], ..Default::default() };
    let count = || scene.store.sample_window(scene.dataset, &filter, SampleSort::Added, 0, 10).unwrap().total;
    assert_eq!(count(), 1);
    scene.set_label(&samples, Some(labels[0]));
    assert_eq!(count(), 6);
    scene.undo().unwrap();
    assert_eq!(count(), 1);
    scene.redo().unwrap();
    assert_eq!(count(), 6);
    scene.delete(&samples[..2]);
    assert_eq!(count(), 4);
}

#[test]
fn a_window_beyond_the_end_is_empty() {
    let (scene, ..) = scene();
    let window =
        scene.store.sample_window(scene.dataset, &SampleFilter::default(), SampleSort::Name, u64::MAX, 500).unwrap();
    assert_eq!((window.total, window.offset, window.items.len()), (6, 6, 0));
}

#[test]
fn more_views_than_are_kept_still_answer_right() {
    let (scene, ..) = scene();
    for round in 0..3 {
        for n in 0..12 {
            let filter = SampleFilter {
                search: if n % 2 == 0 { String::new() } else { format!("a{n}") },
                no_split: n % 3 == 0,
                ..Default::default()
            };
            let found = scene.store.sample_window(scene.dataset, &filter, SORTS[n % 6], 0, 10).unwrap();
            assert_eq!(found.total, found.items.len() as u64, "round {round}");
        }
    }
}

#[test]
fn cursors_and_limits_are_checked() {
    let (scene, ..) = scene();
    let ask = |limit, cursor: Option<&str>, sort| {
        let page = PageRequest { limit, cursor: cursor.map(str::to_owned) };
        scene.store.sample_list(scene.dataset, &SampleFilter::default(), sort, &page).map_err(|error| error.code())
    };
    assert_eq!(ask(Some(0), None, SampleSort::Added).unwrap_err(), Code::InvalidInput);
    assert_eq!(ask(Some(501), None, SampleSort::Added).unwrap_err(), Code::InvalidInput);
    for cursor in ["", "x", "1", "x:y", "99999999999999999999:1"] {
        assert_eq!(ask(None, Some(cursor), SampleSort::Added).unwrap_err(), Code::InvalidInput, "{cursor}");
    }
    assert_eq!(ask(None, Some("1:abc"), SampleSort::SizeDesc).unwrap_err(), Code::InvalidInput);
    assert_eq!(ask(None, Some("1:abc"), SampleSort::Label).unwrap_err(), Code::InvalidInput);
}

#[test]
fn a_filter_by_a_class_that_does_not_exist_says_so() {
    let (scene, ..) = scene();
    let filter = SampleFilter { label_ids: vec![LabelId::new()], ..Default::default() };
    assert_eq!(scene.store.sample_count(scene.dataset, &filter).unwrap_err().code(), Code::NotFound);
}

#[test]
fn every_list_query_uses_an_index() {
    let (scene, _, labels) = scene();
    for filter in filters(&labels) {
        for sort in SORTS {
            let plan = va_store::query::plans(&scene.store, scene.dataset, &filter, sort).unwrap();
            for line in &plan {
                assert!(!line.starts_with("SCAN") || line.contains("USING"), "{sort:?} {filter:?}: {plan:?}");
                assert!(!line.starts_with("SCAN samples"), "{sort:?} {filter:?}: {plan:?}");
            }
            let indices = ["INDEX samples_by_", "INDEX annotations_by_class"];
            let by_index = |line: &String| indices.iter().any(|index| line.contains(index));
            assert!(plan.iter().any(by_index), "{sort:?} {filter:?}: {plan:?}");
            if filter == SampleFilter::default() {
                assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "{sort:?}: {plan:?}");
            }
        }
    }
}
