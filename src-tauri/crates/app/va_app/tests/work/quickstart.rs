//! The quick start on the bundled images, as a person runs it.

use va_app::quickstart;
use va_domain::CertificateVerdict;

use crate::fixture::{open, owner};

#[test]
#[ignore = "minutes: trains on the whole bundled sample"]
fn the_bundled_sample_becomes_a_proven_classifier() {
    let dir = tempfile::tempdir().unwrap();
    let app = open(&dir.path().join("library"), true);
    let mut phase = None;
    let made = quickstart::run(&app, &owner(), Some(dir.path()), |now, job| {
        if phase != Some(now) {
            phase = Some(now);
            println!("{now:?}: {}", job.title);
        }
    })
    .unwrap();
    println!("accuracy {} in {:?}", made.test_accuracy, made.seconds);
    assert!(made.test_accuracy >= 0.95, "{:?}", made.evaluation.summary);
    assert_eq!(made.certificate.verdict, CertificateVerdict::Pass);
    assert!(made.onnx_path.is_file());
    app.close().unwrap();
}
