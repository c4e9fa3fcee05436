//! `start`, `status`, `stop`, a service that was killed, and commands that work through the running service.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail where it is")]

mod program;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use program::{Program, write_classes};
use serde_json::Value;

/// Stops the background service however the test ends.
struct Stopped<'a>(&'a Program);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        let _ = self.0.run(&["stop"]);
    }
}

fn health(url: &str) -> String {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_service_runs_in_the_background_until_it_is_stopped() {
    let program = Program::new();
    let _stopped = Stopped(&program);
    assert_eq!(program.json(&["status"])["running"], false);
    let started = program.json(&["start", "--port", "0", "--no-browser"]);
    let url = started["url"].as_str().unwrap().to_owned();
    assert!(started["sign_in_url"].as_str().unwrap().starts_with(&format!("{url}#code=")));
    assert!(health(&url).contains("\"ok\""));
    let status = program.json(&["status"]);
    assert_eq!((&status["running"], &status["url"]), (&Value::Bool(true), &started["url"]));
    assert!(program.text(&["status", "--show-password"]).contains("password"));
    let again = program.json(&["start", "--port", "0", "--no-browser"]);
    assert_eq!(again["pid"], status["pid"], "a second start finds the first");
    program.json(&["stop"]);
    assert_eq!(program.json(&["status"])["running"], false);
    assert!(TcpStream::connect(url.trim_start_matches("http://").trim_end_matches('/')).is_err());
    program.json(&["stop"]);
}

#[test]
fn commands_work_through_the_running_service() {
    let program = Program::new();
    let _stopped = Stopped(&program);
    program.json(&["start", "--port", "0", "--no-browser"]);
    let images = program.dir.path().join("images");
    write_classes(&images, 4);
    let report = program.json(&["dataset", "import", images.to_str().unwrap(), "--dataset", "tiles"]);
    assert_eq!(report["imported"], 8);
    assert_eq!(program.json(&["job", "list"])["items"][0]["state"], "succeeded");
    assert_eq!(program.json(&["dataset", "list"])["items"][0]["sample_count"], 8);
    let refused = program.run(&["quickstart"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("visaion stop"));
    program.json(&["stop"]);
    assert_eq!(program.json(&["dataset", "list"])["items"][0]["sample_count"], 8, "and without it");
}

#[cfg(unix)]
#[test]
fn a_killed_service_is_found_out_and_the_library_opens() {
    let program = Program::new();
    let _stopped = Stopped(&program);
    let started = program.json(&["start", "--port", "0", "--no-browser"]);
    program.json(&["project", "create", "tiles"]);
    let pid = started["pid"].as_u64().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    // The lock goes with the process; reading the state waits for nothing else.
    while program.json(&["status"])["running"] == true {}
    let status = program.json(&["status"]);
    assert!(status["note"].as_str().unwrap().contains(&pid), "{status}");
    program.json(&["stop"]);
    assert_eq!(program.json(&["status"])["note"], Value::Null, "stop clears what was left");
    assert_eq!(program.json(&["project", "list"])["total"], 1, "what was confirmed is there");
    let restarted = program.json(&["start", "--port", "0", "--no-browser"]);
    assert_ne!(restarted["pid"], started["pid"]);
}

#[test]
fn a_taken_port_is_named() {
    let program = Program::new();
    let _stopped = Stopped(&program);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = program.run(&["start", "--port", &port, "--no-browser"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&port) && said.contains("--port"), "{said}");
    assert_eq!(program.json(&["status"])["running"], false);
}

#[cfg(unix)]
#[test]
fn a_service_in_the_foreground_ends_politely() {
    let program = Program::new();
    let mut child: Child = program
        .command(&["start", "--foreground", "--no-browser", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    assert!(line.contains("http://127.0.0.1:") && line.contains("#code="), "{line}");
    let ended = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(ended.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!program.dir.path().join("library/service/state.json").exists());
}
