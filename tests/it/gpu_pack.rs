//! The GPU pack over HTTP: what it is made of, and under which licences.

use crate::support::running;

#[test]
fn a_browser_reads_what_the_gpu_pack_is_and_under_which_licences() {
    let service = running();
    let client = service.client();
    let pack = client.get("/api/v1/gpu-pack").ok();
    let packages = pack["packages"].as_array().unwrap();
    assert!(packages.iter().any(|package| package["name"] == "nvidia-cudnn-cu13"), "{pack}");
    for package in packages {
        assert_eq!(package["sha256"].as_str().unwrap().len(), 64);
        assert!(package["licence"].as_str().unwrap().contains("proprietary"));
        assert!(package["source_url"].as_str().unwrap().starts_with("https://"));
    }
    let both = client.post("/api/v1/gpu-pack", &serde_json::json!({ "path": "/x", "upload_id": "y" }));
    assert!(both.status >= 400);
    assert_eq!(client.get("/api/v1/jobs?kind=gpu_pack_install").ok()["total"], 0);
}
