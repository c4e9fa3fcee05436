//! `kill -9` while labelling: whatever was confirmed is there afterwards.
//!
//! The child is this very test program, started again on `child` alone. It labels in a loop and prints a line after each
//! confirmed change; the parent kills it after a number of lines drawn from a seed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use va_domain::{AnnotationSource, DatasetId, LabelId, SampleId};
use va_store::{Op, Store};

use crate::scene::{Scene, owner};

const FOLDER: &str = "VISAION_KILL_FOLDER";
const SAMPLES: usize = 40;

/// What both sides know of the library.
struct Known {
    dataset: DatasetId,
    samples: Vec<SampleId>,
    labels: Vec<LabelId>,
}

impl Known {
    fn of(store: &Store) -> Self {
        let dataset = store.read(|read| read.datasets().find_by_name("tiles")).unwrap().unwrap().id;
        let samples = store.read(|read| read.samples().all_of_dataset(dataset)).unwrap();
        let labels = store.read(|read| read.labels().of_dataset(dataset)).unwrap();
        Self {
            dataset,
            samples: samples.into_iter().map(|sample| sample.id).collect(),
            labels: labels.into_iter().map(|label| label.id).collect(),
        }
    }

    /// Two samples and the class they get in a turn.
    fn turn(&self, turn: usize) -> ([usize; 2], LabelId) {
        let at = turn * 7 % self.samples.len();
        ([at, (at + 1) % self.samples.len()], self.labels[turn % self.labels.len()])
    }

    fn classes(&self, store: &Store) -> Vec<Option<LabelId>> {
        self.samples.iter().map(|id| store.read(|read| read.samples().get(*id)).unwrap().label_id).collect()
    }
}

/// Not a test by itself: what the parent starts and kills.
#[test]
#[ignore = "started by labels_survive_kills"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Store::open(folder.as_ref(), false).unwrap();
    let known = Known::of(&store);
    let mut out = std::io::stdout();
    for turn in 0usize.. {
        let (at, label) = known.turn(turn);
        let samples = at.map(|at| known.samples[at]);
        let classes = known.classes(&store);
        let changes = at.into_iter().any(|at| classes[at] != Some(label));
        store
            .transact(&owner(), Op::undoable(known.dataset, "set_label"), |tx| {
                tx.samples_mut().set_label(&samples, Some(label), AnnotationSource::Person)
            })
            .unwrap();
        // Of this change and no other: a kill before the redo must not take what was confirmed before.
        if turn % 5 == 4 && changes {
            store.undo(&owner(), known.dataset).unwrap();
            store.redo(&owner(), known.dataset).unwrap();
        }
        writeln!(out, "\nconfirmed").unwrap();
        out.flush().unwrap();
    }
}

/// Starts the child, waits for `turns` confirmations, and kills it wherever it is then. Says how many there were.
fn label_until_killed(folder: &Path, turns: usize, pause_us: u64) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut confirmed = 0;
    while confirmed < turns {
        let line = lines.next().expect("the child ended by itself");
        confirmed += usize::from(line == "confirmed");
    }
    std::thread::sleep(std::time::Duration::from_micros(pause_us));
    child.kill().unwrap();
    child.wait().unwrap();
    // What it confirmed before it died and we had not read yet.
    confirmed + lines.filter(|line| line == "confirmed").count()
}

#[test]
fn labels_survive_kills() {
    let kills: u64 = std::env::var("VISAION_SOAK_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let (scene, ..) = Scene::with_samples(SAMPLES);
    let Scene { folder, store, dataset } = scene;
    let known = Known::of(&store);
    let mut expected = known.classes(&store);
    store.close().unwrap();
    drop(store);
    let mut random = 0x9E37_79B9_7F4A_7C15u64;
    for kill in 0..kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let turns = label_until_killed(folder.path(), 1 + (random >> 60) as usize, (random >> 40) % 3000);
        for turn in 0..turns {
            let (at, label) = known.turn(turn);
            at.into_iter().for_each(|at| expected[at] = Some(label));
        }
        let store = Store::open(folder.path(), false).unwrap();
        assert_eq!(store.check_integrity().unwrap(), Vec::<String>::new(), "kill {kill}");
        // The change after the last confirmed one may have been saved, whole or not at all.
        let found = known.classes(&store);
        let (at, label) = known.turn(turns);
        let mut one_more = expected.clone();
        at.into_iter().for_each(|at| one_more[at] = Some(label));
        assert!(
            found == expected || found == one_more,
            "kill {kill} after {turns} changes: a confirmed class is missing"
        );
        expected = found;
        store.close().unwrap();
    }
    let store = Store::open(folder.path(), false).unwrap();
    while store.redo(&owner(), dataset).is_ok() {}
    let all = store.read(|read| read.samples().all_of_dataset(dataset)).unwrap();
    while store.undo(&owner(), dataset).is_ok() {}
    while store.redo(&owner(), dataset).is_ok() {}
    assert_eq!(store.read(|read| read.samples().all_of_dataset(dataset)).unwrap(), all);
    assert_eq!(store.check_integrity().unwrap(), Vec::<String>::new());
}
