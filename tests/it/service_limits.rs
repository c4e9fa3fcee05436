//! Hostile and clumsy callers.

use serde_json::json;
use va_server::{Limits, Rate};

use crate::support::{png_bytes, running, running_with};

#[test]
fn too_many_requests_are_told_to_wait() {
    let slow = Rate { burst: 3.0, per_second: 0.001 };
    let service = running_with(|options| options.limits = Limits { requests: slow, ..Limits::default() });
    let client = service.client();
    let statuses: Vec<u16> = (0..5).map(|_| client.get("/api/v1/auth/me").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    assert!(client.get("/api/v1/auth/me").header("retry-after").is_some());
    assert_eq!(service.client().get("/api/v1/auth/me").status, 200, "another session has its own rate");
}

#[test]
fn passwords_cannot_be_tried_quickly() {
    let slow = Rate { burst: 2.0, per_second: 0.001 };
    let service = running_with(|options| options.limits = Limits { sign_ins: slow, ..Limits::default() });
    let attempt =
        || service.http.post("/api/v1/auth/login", &json!({ "username": "owner", "password": "guess" })).status;
    assert_eq!([attempt(), attempt(), attempt()], [401, 401, 429]);
}

#[test]
fn too_large_bodies_are_refused() {
    let service = running_with(|options| {
        options.limits =
            Limits { body_bytes: 1000, file_bytes: 5000, upload_bytes: 8000, upload_files: 3, ..Limits::default() };
    });
    let client = service.client();
    let long = json!({ "name": "x", "description": "y".repeat(2000) });
    assert_eq!(client.post("/api/v1/projects", &long).failure(), (413, "too_large".to_owned()));
    assert_eq!(client.upload("/api/v1/uploads", &[("a.png", vec![0; 6000])]).failure(), (413, "too_large".to_owned()));
    let three = [("a.png", vec![0; 4000]), ("b.png", vec![0; 4000]), ("c.png", vec![0; 4000])];
    assert_eq!(client.upload("/api/v1/uploads", &three).failure(), (413, "too_large".to_owned()));
    let four: Vec<_> = ["a", "b", "c", "d"].map(|name| (name, vec![0; 10])).into();
    assert_eq!(client.upload("/api/v1/uploads", &four).failure(), (413, "too_large".to_owned()));
    assert_eq!(client.upload("/api/v1/uploads", &three[..1]).status, 200);
}

#[test]
fn broken_requests_get_one_clear_message() {
    let service = running();
    let client = service.client();
    for (body, wanted) in [
        ("{\"name\":", "not valid JSON"),
        ("[1]", "JSON object"),
        ("{\"name\":\"a\",\"colour\":1}", "colour"),
        ("{\"name\":\"\"}", "empty"),
        ("", "name"),
    ] {
        let reply = client.with("content-type", "application/json").send("POST", "/api/v1/projects", body.as_bytes());
        assert_eq!(reply.failure(), (400, "invalid_input".to_owned()), "{body}");
        assert!(reply.json()["message"].as_str().unwrap().contains(wanted), "{body}: {}", reply.json());
    }
    assert_eq!(client.get("/api/v1/projects/not-an-id").failure(), (400, "invalid_input".to_owned()));
    assert_eq!(client.get("/api/v1/projects?limit=many").failure(), (400, "invalid_input".to_owned()));
    assert_eq!(client.get("/api/v1/no/such/route").failure(), (404, "not_found".to_owned()));
    assert_eq!(client.send("PUT", "/api/v1/projects", b"{}").failure(), (405, "invalid_input".to_owned()));
    assert_eq!(client.send("POST", "/api/v1/uploads", b"x").failure(), (400, "invalid_input".to_owned()));
    assert_eq!(client.upload("/api/v1/uploads", &[]).failure(), (400, "invalid_input".to_owned()));
    let cut = client.with("content-type", "multipart/form-data; boundary=B");
    let body = b"--B\r\ncontent-disposition: form-data; name=\"f\"; filename=\"a.png\"\r\n\r\nabc";
    assert_eq!(cut.send("POST", "/api/v1/uploads", body).failure(), (400, "invalid_input".to_owned()));
}

#[test]
fn paths_lead_nowhere_outside() {
    let service = running();
    let client = service.client();
    let secret = service.app.library_dir().join("service/account.json");
    assert!(secret.is_file());
    let id = "0197b0c1-0000-7000-8000-000000000000";
    let outside = [
        "/../library/service/account.json".to_owned(),
        "/..%2f..%2f..%2fetc%2fpasswd".to_owned(),
        "/assets/%2e%2e/%2e%2e/etc/passwd".to_owned(),
        "//etc/passwd".to_owned(),
        format!("/api/v1/models/{id}/versions/1/export/..%2f..%2f..%2fservice%2faccount.json"),
        format!("/api/v1/samples/..%2f..%2f{id}/image"),
    ];
    for path in outside {
        let reply = client.get(&path);
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(!body.contains("root:") && !body.contains("argon2"), "{path}: {body}");
        if path.starts_with("/api/") {
            assert!((400..500).contains(&reply.status), "{path}: {}", reply.status);
        }
    }
}

#[test]
fn names_of_uploaded_files_stay_inside_the_upload() {
    let service = running();
    let client = service.client();
    let before: Vec<_> =
        std::fs::read_dir(service.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for name in ["../../../escaped.png", "/tmp/visaion-escaped.png", "..\\..\\escaped.png", "a/../../../escaped.png"] {
        let reply = client.upload("/api/v1/uploads", &[(name, png_bytes(0, 1))]);
        assert!(matches!(reply.status, 200 | 400), "{name}: {}", reply.status);
    }
    let after: Vec<_> =
        std::fs::read_dir(service.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(before, after);
    assert!(!std::path::Path::new("/tmp/visaion-escaped.png").exists());
}

#[test]
fn a_request_that_is_sent_again_is_answered_and_not_done_again() {
    let service = running();
    let client = service.client().with("idempotency-key", "7f3a");
    let first = client.post("/api/v1/projects", &json!({ "name": "tiles" })).ok();
    let again = client.post("/api/v1/projects", &json!({ "name": "tiles" }));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.ok(), first);
    let other = client.post("/api/v1/projects", &json!({ "name": "cells" }));
    assert_eq!(other.failure(), (409, "conflict".to_owned()), "one key, two requests");
    assert_eq!(client.get("/api/v1/projects").ok()["total"], 1);
    let refused =
        client.with("idempotency-key", &"k".repeat(300)).post("/api/v1/projects", &json!({ "name": "cells" }));
    assert_eq!(refused.status, 400);
}

#[test]
fn an_answer_is_kept_for_a_caller_whose_connection_was_lost() {
    let service = running();
    let client = service.client().with("idempotency-key", "9c41");
    let request = json!({ "name": "tiles" });
    // While another program writes, the change waits, so that its connection is lost before the answer.
    let other = rusqlite::Connection::open(service.app.library_dir().join("library.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let busy = (409, "conflict".to_owned());
    assert_eq!(client.post_twice_and_hang_up("/api/v1/projects", &request).failure(), busy);
    for _ in 0..20 {
        let again = client.post("/api/v1/projects", &request);
        assert_eq!(again.failure(), busy, "the lost one is still being worked on");
    }
    other.execute_batch("ROLLBACK").unwrap();
    let reply = loop {
        let reply = client.post("/api/v1/projects", &request);
        if reply.status != 409 {
            break reply;
        }
    };
    assert_eq!(reply.header("idempotency-replayed"), Some("true"), "done by the lost connection");
    assert_eq!(reply.ok()["name"], "tiles");
    assert_eq!(client.get("/api/v1/projects").ok()["total"], 1);
}

fn staged(service: &crate::support::Running) -> usize {
    let uploads = service.app.library_dir().join("cache/uploads");
    std::fs::read_dir(uploads).into_iter().flatten().count()
}

#[test]
fn an_upload_that_was_cut_off_or_used_leaves_nothing() {
    let service = running();
    let client = service.client();
    let model = "0197b0c1-0000-7000-8000-000000000000";
    let predict = format!("/api/v1/models/{model}/predict");
    let upload = client.upload("/api/v1/uploads", &[("a.png", png_bytes(0, 1))]).ok();
    assert_eq!(staged(&service), 1);
    let refused = client.post(&predict, &json!({ "upload_id": upload["upload_id"] }));
    assert_eq!(refused.failure(), (404, "not_found".to_owned()), "there is no such model");
    assert_eq!(staged(&service), 0, "also then the upload is used up");
    assert_eq!(client.upload(&predict, &[("a.png", png_bytes(0, 1))]).status, 404);
    assert_eq!(client.upload("/api/v1/models/none/predict", &[("a.png", png_bytes(0, 1))]).status, 400);
    let cut = client.with("content-type", "multipart/form-data; boundary=B");
    let one_and_a_half = b"--B\r\ncontent-disposition: form-data; name=\"f\"; filename=\"a.png\"\r\n\r\nabc\r\n\
        --B\r\ncontent-disposition: form-data; name=\"f\"; filename=\"b.png\"\r\n\r\nab";
    assert_eq!(cut.send("POST", "/api/v1/uploads", one_and_a_half).status, 400);
    assert_eq!(staged(&service), 0);
}
