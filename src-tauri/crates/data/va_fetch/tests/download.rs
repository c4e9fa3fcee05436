//! Downloads from a server of the test's own that cuts, lies, moves and stalls.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod server;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use server::{Behaviour, Server};
use va_error::{Code, Result};
use va_fetch::{Downloaded, Expected, Patience, Wanted, download, forget_part, part_bytes, sha256_of};

/// Bytes that repeat nowhere.
fn content(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

struct Place {
    dir: tempfile::TempDir,
    retries: u32,
    max_bytes: u64,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), retries: 0, max_bytes: 1 << 20 }
    }

    fn to(&self) -> PathBuf {
        self.dir.path().join("weights/file")
    }

    fn fetch(&self, server: &Server, expected: Expected<'_>) -> Result<Downloaded> {
        self.fetch_until(server, expected, &|| false)
    }

    fn fetch_until(&self, server: &Server, expected: Expected<'_>, stop: &dyn Fn() -> bool) -> Result<Downloaded> {
        let (url, to) = (server.url("/file"), self.to());
        let ms = Duration::from_millis;
        let patience = Patience { connect: ms(2000), stall: ms(300), retries: self.retries, wait: ms(5) };
        let wanted = Wanted { url: &url, to: &to, expected, max_bytes: self.max_bytes, patience };
        let mut last = 0;
        download(&wanted, &mut |progress| last = progress.done_bytes.max(last), stop)
    }

    fn names(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.dir.path().join("weights")) else { return Vec::new() };
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn hash(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("x"), bytes).unwrap();
    sha256_of(&dir.path().join("x"), |_| Ok(())).unwrap().1
}

#[test]
fn a_file_arrives_whole_checked_and_alone() {
    let bytes = content(700_000);
    let (server, place) = (Server::start(&bytes), Place::new());
    let sha256 = hash(&bytes);
    let expected = Expected { sha256: Some(&sha256), size_bytes: Some(700_000) };
    let mut seen = Vec::new();
    let (url, to) = (server.url("/file"), place.to());
    let wanted = Wanted { url: &url, to: &to, expected, max_bytes: 1 << 20, patience: Patience::default() };
    let done = download(&wanted, &mut |progress| seen.push(progress), &|| false).unwrap();
    assert_eq!(done, Downloaded { size_bytes: 700_000, sha256: sha256.clone(), resumed_from: 0 });
    assert_eq!(std::fs::read(&to).unwrap(), bytes);
    assert_eq!(place.names(), ["file"], "nothing else stays");
    assert!(seen.windows(2).all(|pair| pair[0].done_bytes <= pair[1].done_bytes));
    let last = seen.last().unwrap();
    assert_eq!((last.done_bytes, last.total_bytes), (700_000, Some(700_000)));
    let again = download(&wanted, &mut |_| (), &|| false).unwrap();
    assert_eq!((again.resumed_from, server.requests().len()), (700_000, 1), "what is there is not fetched again");
}

#[test]
fn a_cut_connection_is_taken_up_again_by_itself_and_by_the_next_call() {
    let bytes = content(400_000);
    let server = Server::with(&bytes, &[Behaviour::Cut(100_000), Behaviour::Cut(50_000), Behaviour::Honest]);
    let mut place = Place::new();
    place.retries = 3;
    let done = place.fetch(&server, Expected::default()).unwrap();
    assert_eq!((done.size_bytes, done.sha256), (400_000, hash(&bytes)));
    let asked: Vec<_> = server.requests().iter().map(|request| request.range.clone()).collect();
    assert_eq!(asked, [None, Some("bytes=100000-".to_owned()), Some("bytes=150000-".to_owned())]);
    assert!(server.requests()[1].if_range.is_some(), "the rest of the same file only");

    let server = Server::with(&bytes, &[Behaviour::Cut(100_000), Behaviour::Honest]);
    let place = Place::new();
    let error = place.fetch(&server, Expected::default()).unwrap_err();
    assert!(error.code() == Code::Io && error.message().contains("100000 bytes are kept"), "{error}");
    assert_eq!(part_bytes(&place.to()), Some((100_000, Some(400_000))));
    assert!(!place.to().exists(), "a part is not the file");
    let done = place.fetch(&server, Expected::default()).unwrap();
    assert_eq!((done.resumed_from, done.sha256), (100_000, hash(&bytes)));
    assert_eq!(std::fs::read(place.to()).unwrap(), bytes);
}

#[test]
fn what_was_not_synced_before_a_power_cut_is_fetched_again() {
    let bytes = content(300_000);
    let server = Server::with(&bytes, &[Behaviour::Cut(100_000), Behaviour::Honest]);
    let place = Place::new();
    place.fetch(&server, Expected::default()).unwrap_err();
    let part = place.dir.path().join("weights/file.part");
    // The file system gave the file its length and not its bytes.
    let mut torn = std::fs::read(&part).unwrap();
    torn.extend([0; 1000]);
    std::fs::write(&part, torn).unwrap();
    assert_eq!(place.fetch(&server, Expected::default()).unwrap().sha256, hash(&bytes));
}

#[test]
fn a_server_that_ignores_ranges_or_changed_the_file_gives_the_whole_new_one() {
    let bytes = content(300_000);
    let server = Server::with(&bytes, &[Behaviour::Cut(100_000), Behaviour::IgnoreRange]);
    let place = Place::new();
    place.fetch(&server, Expected::default()).unwrap_err();
    assert_eq!(place.fetch(&server, Expected::default()).unwrap().sha256, hash(&bytes));

    let newer = content(250_000);
    let server = Server::with(&bytes, &[Behaviour::Cut(100_000), Behaviour::Other(newer.clone())]);
    let place = Place::new();
    place.fetch(&server, Expected::default()).unwrap_err();
    assert_eq!(place.fetch(&server, Expected::default()).unwrap().sha256, hash(&newer));

    // Another length in a partial answer: its bytes are not of the file that was begun.
    let server = Server::with(&bytes, &[Behaviour::Cut(100_000), Behaviour::WrongRange, Behaviour::Honest]);
    let mut place = Place::new();
    place.fetch(&server, Expected::default()).unwrap_err();
    place.retries = 1;
    assert_eq!(place.fetch(&server, Expected::default()).unwrap().sha256, hash(&bytes));
}

#[test]
fn a_wrong_hash_leaves_nothing() {
    let bytes = content(10_000);
    let (server, place) = (Server::start(&bytes), Place::new());
    let error = place.fetch(&server, Expected { sha256: Some("00ff"), size_bytes: None }).unwrap_err();
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(error.chain().contains(&hash(&bytes)) && error.chain().contains("00ff"), "{}", error.chain());
    assert!(place.names().is_empty());
    let right = hash(&bytes);
    place.fetch(&server, Expected { sha256: Some(&right[..8]), size_bytes: None }).unwrap();
}

#[test]
fn sizes_are_refused_before_the_first_byte_or_at_the_limit() {
    let bytes = content(50_000);
    let (server, mut place) = (Server::start(&bytes), Place::new());
    place.max_bytes = 49_999;
    assert_eq!(place.fetch(&server, Expected::default()).unwrap_err().code(), Code::TooLarge);
    assert!(place.names().is_empty(), "nothing came, so nothing stays");
    let silent = Server::with(&bytes, &[Behaviour::NoLength]);
    let error = place.fetch(&silent, Expected::default()).unwrap_err();
    assert_eq!(error.code(), Code::TooLarge);
    place.max_bytes = 60_000;
    let error = place.fetch(&server, Expected { sha256: None, size_bytes: Some(7) }).unwrap_err();
    assert!(error.message().contains("50000 bytes, expected are 7"), "{error}");
    let silent = Server::with(&bytes, &[Behaviour::NoLength]);
    assert_eq!(place.fetch(&silent, Expected::default()).unwrap().size_bytes, 50_000);
}

#[test]
fn missing_files_and_busy_servers_are_told_apart() {
    let bytes = content(1000);
    let mut place = Place::new();
    place.retries = 2;
    let gone = Server::with(&bytes, &[Behaviour::Status(404)]);
    let error = place.fetch(&gone, Expected::default()).unwrap_err();
    assert_eq!((error.code(), gone.requests().len()), (Code::NotFound, 1));
    let refused = Server::with(&bytes, &[Behaviour::Status(403)]);
    assert!(place.fetch(&refused, Expected::default()).unwrap_err().message().contains("403"));
    let busy = Server::with(&bytes, &[Behaviour::Status(503), Behaviour::Status(429), Behaviour::Honest]);
    assert_eq!(place.fetch(&busy, Expected::default()).unwrap().size_bytes, 1000);
}

#[test]
fn redirects_are_followed_on_this_machine_and_refused_elsewhere() {
    let bytes = content(1000);
    let place = Place::new();
    let moved = Server::with(&bytes, &[Behaviour::Redirect("/moved".into()), Behaviour::Honest]);
    assert_eq!(place.fetch(&moved, Expected::default()).unwrap().sha256, hash(&bytes));
    assert_eq!(moved.requests()[1].path, "/moved");
    for target in ["http://example.org/file", "file:///etc/passwd", "ftp://example.org/x"] {
        let place = Place::new();
        let away = Server::with(&bytes, &[Behaviour::Redirect(target.into())]);
        let error = place.fetch(&away, Expected::default()).unwrap_err();
        assert_eq!((error.code(), away.requests().len()), (Code::InvalidInput, 1), "{target}: {error}");
    }
    let place = Place::new();
    let forever = Server::with(&bytes, &[Behaviour::Redirect("/file".into())]);
    assert!(place.fetch(&forever, Expected::default()).unwrap_err().message().contains("too often"));
}

#[test]
fn a_stop_is_heard_at_once_and_keeps_what_came() {
    let bytes = content(400_000);
    let server = Server::with(&bytes, &[Behaviour::Stall(200_000), Behaviour::Honest]);
    let place = Place::new();
    let stopped = AtomicBool::new(false);
    let begun = Instant::now();
    let stop = || {
        let there = part_len(&place) >= 200_000;
        stopped.fetch_or(there, Ordering::SeqCst) || there
    };
    let error = place.fetch_until(&server, Expected::default(), &stop).unwrap_err();
    assert_eq!(error.code(), Code::Cancelled);
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(part_bytes(&place.to()), Some((200_000, Some(400_000))));
    assert_eq!(place.fetch(&server, Expected::default()).unwrap().resumed_from, 200_000);
    forget_part(&place.to()).unwrap();
}

fn part_len(place: &Place) -> u64 {
    std::fs::metadata(place.dir.path().join("weights/file.part")).map_or(0, |part| part.len())
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let bytes = content(400_000);
    let server = Server::with(&bytes, &[Behaviour::Stall(200_000), Behaviour::Honest]);
    let place = Place::new();
    let error = place.fetch(&server, Expected::default()).unwrap_err();
    assert!(error.code() == Code::Io && error.chain().contains("nothing any more"), "{}", error.chain());
    assert_eq!(place.fetch(&server, Expected::default()).unwrap().resumed_from, 200_000);
}

#[test]
fn without_a_network_the_message_says_so() {
    let bytes = content(10);
    let server = Server::start(&bytes);
    let address = server.url("/file");
    drop(server);
    let place = Place::new();
    let to = place.to();
    let patience = Patience { retries: 0, ..Patience::default() };
    let wanted = Wanted { url: &address, to: &to, expected: Expected::default(), max_bytes: 100, patience };
    let error = download(&wanted, &mut |_| (), &|| false).unwrap_err();
    assert!(error.code() == Code::Io && error.chain().contains("offline"), "{}", error.chain());
    let wanted = Wanted { url: "http://example.org/x", ..wanted };
    assert_eq!(download(&wanted, &mut |_| (), &|| false).unwrap_err().code(), Code::InvalidInput);
}
