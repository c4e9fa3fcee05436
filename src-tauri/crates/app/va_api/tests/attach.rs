//! The attach socket against a service that needs no library: good talk, hostile input, abrupt ends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail where it is")]
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use serde_json::{Value, json};
use va_api::Events;
use va_api::attach::{Attachment, Serve, Serving, serve};
use va_domain::Event;
use va_error::{Code, Error, Result};

struct Echo {
    events: Receiver<Event>,
}

impl Serve for Echo {
    fn call(&self, name: &str, request: Value) -> Result<Value> {
        match name {
            "echo" => Ok(request),
            _ => Err(Error::not_found(format!("there is no {name}")).with_details(json!({ "name": name }))),
        }
    }

    fn subscribe(&self) -> Events {
        Events::Forwarded(self.events.clone())
    }
}

fn served(dir: &Path) -> (Serving, Sender<Event>) {
    let (sender, events) = bounded(16);
    let serving = serve(dir, Arc::new(Echo { events })).unwrap();
    (serving, sender)
}

fn raw(dir: &Path) -> UnixStream {
    UnixStream::connect(dir.join("attach.sock")).unwrap()
}

fn answer(stream: &UnixStream) -> Value {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[test]
fn calls_answer_and_errors_keep_their_code_and_details() {
    let dir = tempfile::tempdir().unwrap();
    let (_serving, _) = served(dir.path());
    let attached = Attachment::open(dir.path()).unwrap();
    assert_eq!(attached.call("echo", json!({ "a": "z\n💧" })).unwrap(), json!({ "a": "z\n💧" }));
    let error = attached.call("nothing", json!({})).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!(error.details(), Some(&json!({ "name": "nothing" })));
    assert_eq!(attached.call("echo", json!(2)).unwrap(), json!(2), "an error does not end the connection");
}

#[test]
fn only_the_user_may_open_the_socket() {
    let dir = tempfile::tempdir().unwrap();
    let (_serving, _) = served(dir.path());
    let mode = std::fs::metadata(dir.path().join("attach.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn events_reach_attached_clients_and_end_with_the_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (serving, sender) = served(dir.path());
    let attached = Attachment::open(dir.path()).unwrap();
    let events = attached.subscribe().unwrap();
    sender.send(Event::Lagged).unwrap();
    assert_eq!(events.recv().unwrap(), Event::Lagged);
    drop(serving);
    assert!(events.recv().is_err(), "the stream ends when the owner closes");
    let error = attached.call("echo", json!({})).unwrap_err();
    assert_eq!(error.code(), Code::Io, "{error:?}");
    assert!(!dir.path().join("attach.sock").exists(), "the socket goes with its owner");
}

#[test]
fn broken_json_is_answered_and_the_connection_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (_serving, _) = served(dir.path());
    let mut stream = raw(dir.path());
    for bad in [&b"{\n"[..], b"[]\n", b"\xff\xfe\n", b"{\"id\":-1,\"name\":\"echo\"}\n", b"\n"] {
        stream.write_all(bad).unwrap();
        let answer = answer(&stream);
        assert_eq!(answer["id"], Value::Null);
        assert_eq!(answer["error"]["code"], "invalid_input", "{answer}");
    }
    stream.write_all(b"{\"id\":7,\"name\":\"echo\",\"request\":{\"ok\":1}}\n").unwrap();
    assert_eq!(answer(&stream), json!({ "id": 7, "ok": { "ok": 1 } }));
}

#[test]
fn an_oversized_line_is_refused_and_others_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let (_serving, _) = served(dir.path());
    let stream = raw(dir.path());
    let mut writing = stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        let block = vec![b'x'; 1 << 20];
        // The other side closes before it has taken everything.
        while writing.write_all(&block).is_ok() {}
    });
    assert_eq!(answer(&stream)["error"]["code"], "too_large");
    let mut rest = Vec::new();
    // Closed, with or without a reset: either way nothing more is served here.
    let _ = (&stream).read_to_end(&mut rest);
    writer.join().unwrap();
    assert!(rest.is_empty());
    let attached = Attachment::open(dir.path()).unwrap();
    assert_eq!(attached.call("echo", json!(1)).unwrap(), json!(1));
}

#[test]
fn clients_that_vanish_leave_room_for_others() {
    let dir = tempfile::tempdir().unwrap();
    let (_serving, sender) = served(dir.path());
    for round in 0..200 {
        let mut stream = raw(dir.path());
        match round % 3 {
            0 => stream.write_all(b"{\"id\":1,\"na").unwrap(),
            1 => stream.write_all(b"{\"id\":1,\"name\":\"echo\"}\n").unwrap(),
            _ => {}
        }
        drop(stream);
        if round % 20 == 0 {
            // Ends only when its turn has come: so the vanished ones before it are counted out.
            let attached = Attachment::open(dir.path()).unwrap();
            while attached.call("echo", json!(round)).is_err_and(|error| error.code() == Code::RateLimited) {}
        }
    }
    let mut subscriber = raw(dir.path());
    subscriber.write_all(b"{\"id\":1,\"name\":\"subscribe\"}\n").unwrap();
    assert_eq!(answer(&subscriber)["ok"], json!({}));
    drop(subscriber);
    for _ in 0..4 {
        sender.send(Event::Lagged).unwrap();
    }
    let attached = Attachment::open(dir.path()).unwrap();
    assert_eq!(attached.call("echo", json!(1)).unwrap(), json!(1));
}

#[test]
fn a_socket_left_by_a_killed_owner_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(dir.path().join("attach.sock")).unwrap());
    assert!(Attachment::open(dir.path()).is_err(), "nobody answers there");
    let (_serving, _) = served(dir.path());
    assert!(Attachment::open(dir.path()).is_ok());
}
