//! What programs and the web interface get from the service.

use serde_json::json;

use crate::support::{png_bytes, running};

#[test]
fn images_are_sent_imported_and_seen() {
    let service = running();
    let client = service.client();
    let dataset = client.post("/api/v1/datasets", &json!({ "name": "tiles" })).ok();
    let id = dataset["id"].as_str().unwrap();
    let files = [
        ("dark/a.png", png_bytes(0, 1)),
        ("light/b.png", png_bytes(1, 2)),
        ("light/broken.png", b"not an image".to_vec()),
    ];
    let report = client.upload(&format!("/api/v1/datasets/{id}/samples"), &files).ok();
    assert_eq!(report["imported"], 2, "{report}");
    assert_eq!(report["left_out"]["warnings"].as_array().unwrap().len(), 1);
    let page = client.get(&format!("/api/v1/samples?dataset_id={id}&sort=name&limit=1")).ok();
    assert_eq!((page["total"].as_u64(), page["items"].as_array().unwrap().len()), (Some(2), 1));
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = client.get(&format!("/api/v1/samples?dataset_id={id}&sort=name&limit=1&cursor={cursor}")).ok();
    assert_ne!(next["items"][0]["id"], page["items"][0]["id"]);

    let sample = page["items"][0]["id"].as_str().unwrap();
    let image = client.get(&format!("/api/v1/samples/{sample}/image"));
    assert_eq!((image.status, image.header("content-type")), (200, Some("image/png")));
    assert_eq!(image.body, files[0].1);
    let etag = image.header("etag").unwrap().to_owned();
    let unchanged = client.with("if-none-match", &etag).get(&format!("/api/v1/samples/{sample}/image"));
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    let thumbnail = client.get(&format!("/api/v1/samples/{sample}/thumbnail?size=64"));
    assert_eq!(thumbnail.status, 200);
    assert!(thumbnail.header("content-type").unwrap().starts_with("image/"));
    assert_eq!(client.get(&format!("/api/v1/samples/{sample}/thumbnail?size=big")).status, 400);
    let augmented = |query: &str| client.get(&format!("/api/v1/samples/{sample}/augmented?{query}"));
    let blurred = "augmentation=%7B%22blur%22%3A%7B%22strength%22%3A2%2C%22probability%22%3A1%7D%7D&size=64";
    let first = augmented(&format!("{blurred}&seed=1"));
    assert_eq!((first.status, first.header("content-type")), (200, Some("image/jpeg")));
    assert_ne!(augmented(&format!("{blurred}&seed=2")).body, first.body);
    assert_eq!(augmented("augmentation=%7B%22crop_min_scale%22%3A7%7D").status, 400);
    assert_eq!(augmented("augmentation=blur").status, 400);
}

#[test]
fn one_image_becomes_a_sample_in_one_request() {
    let service = running();
    let client = service.client();
    let id = client.post("/api/v1/datasets", &json!({ "name": "tiles" })).ok()["id"].as_str().unwrap().to_owned();
    let label = client.post(&format!("/api/v1/datasets/{id}/labels"), &json!({ "name": "dark" })).ok();
    let label = label["id"].as_str().unwrap();
    let fields = format!("dataset_id={id}&label_id={label}&split=test&name=first");
    let image = client.with("content-type", "image/png");
    let made = image.send("POST", &format!("/api/v1/samples?{fields}"), &png_bytes(0, 1)).ok();
    assert_eq!(
        (&made["name"], &made["label_id"], &made["split"], &made["format"]),
        (&json!("first"), &json!(label), &json!("test"), &json!("png"))
    );
    let sample = made["id"].as_str().unwrap();
    assert_eq!(client.get(&format!("/api/v1/samples/{sample}/image")).body, png_bytes(0, 1));
    let again = image.send("POST", &format!("/api/v1/samples?dataset_id={id}"), &png_bytes(0, 1));
    assert_eq!(again.failure(), (409, "conflict".to_owned()));
    assert_eq!(again.json()["details"]["sample_id"], sample);

    let form = client.upload(&format!("/api/v1/samples?dataset_id={id}"), &[("second.png", png_bytes(1, 2))]).ok();
    assert_eq!((&form["name"], &form["label_id"]), (&json!("second.png"), &serde_json::Value::Null));
    let file = service.dir.path().join("third.png");
    std::fs::write(&file, png_bytes(1, 3)).unwrap();
    let named = client.post("/api/v1/samples", &json!({ "dataset_id": id, "path": file })).ok();
    assert_eq!(named["name"], "third.png");
    assert!(file.is_file(), "the file itself stays");

    let two = [("a.png", png_bytes(0, 7)), ("b.png", png_bytes(0, 8))];
    for refused in [
        image.send("POST", &format!("/api/v1/samples?dataset_id={id}"), b"no picture"),
        image.send("POST", &format!("/api/v1/samples?dataset_id={id}&colour=red"), &png_bytes(0, 9)),
        client.upload(&format!("/api/v1/samples?dataset_id={id}"), &two),
        client.post("/api/v1/samples", &json!({ "dataset_id": id })),
        client.post("/api/v1/samples", &json!({ "dataset_id": id, "path": "a", "upload_id": "b" })),
    ] {
        assert_eq!(refused.failure(), (400, "invalid_input".to_owned()));
    }
    let missing = client.post("/api/v1/samples", &json!({ "dataset_id": id, "path": "/no/such.png" }));
    assert_eq!(missing.failure(), (404, "not_found".to_owned()));
    assert_eq!(client.get(&format!("/api/v1/datasets/{id}")).ok()["sample_count"], 3);
    assert_eq!(std::fs::read_dir(service.app.library_dir().join("cache/uploads")).unwrap().count(), 0);
}

#[test]
fn a_job_is_given_another_title() {
    let service = running();
    let client = service.client();
    let id = client.post("/api/v1/datasets", &json!({ "name": "tiles" })).ok()["id"].as_str().unwrap().to_owned();
    client.upload(&format!("/api/v1/datasets/{id}/samples"), &[("dark/a.png", png_bytes(0, 1))]).ok();
    let job = client.get("/api/v1/jobs").ok()["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/jobs/{job}");
    let put = |body: serde_json::Value| {
        client.with("content-type", "application/json").send("PUT", &path, body.to_string().as_bytes())
    };
    assert_eq!(put(json!({ "title": " night shift " })).ok()["title"], "night shift");
    assert_eq!(client.get(&path).ok()["title"], "night shift");
    for wrong in [json!({ "title": "" }), json!({}), json!({ "title": "a\nb" }), json!({ "state": "paused" })] {
        assert_eq!(put(wrong).failure(), (400, "invalid_input".to_owned()));
    }
}

#[test]
fn an_upload_is_looked_at_before_it_is_imported() {
    let service = running();
    let client = service.client();
    let id = client.post("/api/v1/datasets", &json!({ "name": "tiles" })).ok()["id"].as_str().unwrap().to_owned();
    let upload =
        client.upload("/api/v1/uploads", &[("dark/a.png", png_bytes(0, 1)), ("light/b.png", png_bytes(1, 2))]).ok();
    assert_eq!(upload["file_count"], 2);
    let request = json!({ "upload_id": upload["upload_id"] });
    let preview = client.post(&format!("/api/v1/datasets/{id}/import?preview=true"), &request).ok();
    assert_eq!(preview["image_count"], 2);
    assert_eq!(client.get(&format!("/api/v1/datasets/{id}")).ok()["sample_count"], 0);
    let job = client.post(&format!("/api/v1/datasets/{id}/import"), &request).ok();
    let events = client.get(&format!("/api/v1/jobs/{}/events", job["id"].as_str().unwrap()));
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    let text = String::from_utf8(events.body).unwrap();
    let last = text.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(last["job"]["state"], "succeeded", "the stream ends with the job: {last}");
    assert_eq!(last["job"]["result"]["imported"], 2);
}

#[test]
fn the_documentation_is_served_whole() {
    let service = running();
    let document = service.http.get("/api/v1/openapi.json").ok();
    assert_eq!(document, va_api::openapi());
    let docs = String::from_utf8(service.http.get("/docs").body).unwrap();
    assert!(docs.contains("/docs.js") && !docs.contains("https://"), "nothing from elsewhere");
    let reading = String::from_utf8(service.http.get("/redoc").body).unwrap();
    assert!(reading.contains("/datasets/{id}/import"));
    assert_eq!(service.http.get("/api/v1/healthz").ok(), json!({ "status": "ok" }));
}

#[test]
fn the_web_interface_is_served_with_its_start_page_for_every_screen() {
    let dist = tempfile::tempdir().unwrap();
    std::fs::create_dir(dist.path().join("assets")).unwrap();
    std::fs::write(dist.path().join("index.html"), "<title>the interface</title>").unwrap();
    std::fs::write(dist.path().join("assets/app-1a2b.js"), "start()").unwrap();
    let service = crate::support::running_with(|options| options.ui = Some(dist.path().canonicalize().unwrap()));
    for path in ["/", "/index.html", "/data/some/screen"] {
        let reply = service.http.get(path);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")), "{path}");
        assert!(String::from_utf8_lossy(&reply.body).contains("the interface"));
    }
    let script = service.http.get("/assets/app-1a2b.js");
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert!(script.header("cache-control").unwrap().contains("immutable"));
    assert_eq!(service.http.get("/assets/missing.js").status, 404);
}

#[test]
fn another_terminal_sees_and_stops_the_service() {
    let service = running();
    let library = service.app.library_dir().to_owned();
    let status = va_server::status(&library).unwrap();
    assert!(status.running);
    assert_eq!(status.pid, Some(std::process::id()));
    let code = status.sign_in_url.unwrap().split("#code=").nth(1).unwrap().to_owned();
    assert_eq!(service.http.post("/api/v1/auth/exchange", &json!({ "code": code })).status, 200);
}
