//! Weights over HTTP: the catalogue is read, a file is uploaded, installed, and removed.

use serde_json::{Value, json};
use va_zoo::build;

use crate::support::running;

const ARCH: &str = "mobilenetv4_conv_small";

/// Every parameter and buffer of the network, in the form of its publishers.
fn weight_bytes(classes: usize) -> Vec<u8> {
    let graph = build(ARCH, classes, 224, 3).unwrap();
    let params = graph.params().into_iter().map(|spec| (spec.name, spec.shape));
    let arrays: Vec<(String, Vec<usize>, Vec<u8>)> = params
        .chain(graph.buffers().into_iter().map(|spec| (spec.name, spec.shape)))
        .map(|(name, shape)| {
            let bytes = vec![0; 4 * shape.iter().product::<usize>()];
            (name, shape, bytes)
        })
        .collect();
    let views = arrays.iter().map(|(name, shape, bytes)| {
        (name, safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn a_browser_sends_a_weight_file_and_sees_it_in_the_list() {
    let service = running();
    let client = service.client();
    let list = || client.get("/api/v1/weights").ok()["items"].as_array().unwrap().clone();
    let names: Vec<String> = list().iter().map(|w| w["name"].as_str().unwrap().to_owned()).collect();
    assert!(names.contains(&"resnet18.a1_in1k".to_owned()), "{names:?}");
    assert!(list().iter().all(|w| w["state"] == "not_installed" && w["licence"].is_string()));
    let one = client.get("/api/v1/weights/resnet18.a1_in1k").ok();
    assert_eq!((&one["sha256"], &one["is_hash_published"]), (&json!("d63eafa0"), &json!(true)));
    assert_eq!(client.get("/api/v1/weights/nothing").failure(), (404, "not_found".to_owned()));

    let install = |file: Vec<u8>| -> Value {
        let upload = client.upload("/api/v1/uploads", &[("tiles.safetensors", file)]).ok();
        let job = client.post("/api/v1/weights", &json!({ "upload_id": upload["upload_id"] })).ok();
        let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
        // The stream of a job ends with it.
        client.get(&format!("{path}/events"));
        client.get(&path).ok()
    };
    let done = install(weight_bytes(12));
    assert_eq!((&done["state"], &done["kind"]), (&json!("succeeded"), &json!("weights_install")), "{done}");
    let installed = &done["result"]["weights"];
    assert_eq!((&installed["name"], &installed["arch"]), (&json!("tiles"), &json!(ARCH)));
    assert_eq!((&installed["class_count"], &done["result"]["report"]["new"]["count"]), (&json!(12), &json!(0)));
    assert_eq!(list().last().unwrap()["state"], "installed");

    let refused = install(b"<html>404</html>".to_vec());
    assert_eq!(refused["state"], "failed");
    assert!(refused["error"].as_str().unwrap().contains("tiles.safetensors"), "{refused}");

    let unagreed = client.post("/api/v1/weights/resnet18.a1_in1k/download", &json!({}));
    assert_eq!(unagreed.failure(), (400, "invalid_input".to_owned()));
    assert_eq!(client.get("/api/v1/jobs?kind=weights_download").ok()["total"], 0);
    client.send("DELETE", "/api/v1/weights/tiles", b"").ok();
    assert_eq!(client.send("DELETE", "/api/v1/weights/tiles", b"").status, 404);
}
