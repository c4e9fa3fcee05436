//! PyTorch beside it: what `pytorch_peer.py` measured on the same card, and whether the targets are met.

use serde_json::{Value, json};

/// Of the issue: what, at which batch, against which mode, and at least so many times as fast.
struct Target {
    kind: Kind,
    precision: &'static str,
    batch: u32,
    mode: &'static str,
    least: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Training,
    Inference,
}

impl Kind {
    /// The check with our figures, and the peer's list.
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::Training => ["speed", "training"],
            Self::Inference => ["sessions", "inference"],
        }
    }
}

const TARGETS: &[Target] = &[
    Target { kind: Kind::Training, precision: "bf16", batch: 64, mode: "eager", least: 1.0 },
    Target { kind: Kind::Training, precision: "bf16", batch: 64, mode: "compile", least: 0.8 },
    Target { kind: Kind::Training, precision: "bf16", batch: 8, mode: "eager", least: 1.2 },
    Target { kind: Kind::Inference, precision: "f32", batch: 1, mode: "eager", least: 1.0 },
];

/// Ours may be so many times PyTorch's error.
const ERROR_FACTOR: f64 = 2.0;

/// One line for every target of these networks and every work of the network table that was measured on our side; `passed`
/// is null where PyTorch's figure is missing, with the reason. `checks` are the suite's own results.
pub fn verdicts(checks: &[Value], peer: &Value, archs: &[&str]) -> Vec<Value> {
    let speeds = TARGETS.iter().flat_map(|target| archs.iter().map(move |arch| (arch, target)));
    let mut lines: Vec<Value> = speeds.filter_map(|(arch, target)| speed(checks, peer, arch, target)).collect();
    lines.extend(lines_of(checks, "networks").iter().map(|ours| error(ours, peer)));
    lines
}

/// Puts the errors of the network table against PyTorch's on the same card, where it measured them, in the place of those on
/// a processor that they were held to first.
pub fn hold_networks(checks: &mut [Value], peer: &Value) {
    let Some(check) = checks.iter_mut().find(|check| check["check"] == "networks") else { return };
    let Some(lines) = check["lines"].as_array_mut() else { return };
    for line in lines.iter_mut() {
        if let Some(passed) = error(line, peer)["passed"].as_bool() {
            line["passed"] = passed.into();
            line["held_to"] = "PyTorch on this card".into();
        }
    }
    let passed = lines.iter().all(|line| line["passed"] == true);
    check["passed"] = passed.into();
}

fn lines_of<'a>(checks: &'a [Value], name: &str) -> &'a [Value] {
    let check = checks.iter().find(|check| check["check"] == name);
    check.and_then(|check| check["lines"].as_array()).map(Vec::as_slice).unwrap_or_default()
}

fn speed(checks: &[Value], peer: &Value, arch: &str, target: &Target) -> Option<Value> {
    let [check, list] = target.kind.names();
    let same =
        |line: &&Value| line["arch"] == arch && line["precision"] == target.precision && line["batch"] == target.batch;
    let ours = lines_of(checks, check).iter().find(|line| same(line) && line["images_per_s"].is_number())?;
    let theirs =
        peer[list].as_array().and_then(|all| all.iter().find(|line| same(line) && line["mode"] == target.mode));
    let ratio = ratio(ours["images_per_s"].as_f64(), theirs.and_then(|line| line["images_per_s"].as_f64()));
    Some(json!({
        "name": format!("{arch} {}, {list} batch {} against {}", target.precision, target.batch, target.mode),
        "ours_images_per_s": ours["images_per_s"],
        "pytorch_images_per_s": theirs.map(|line| &line["images_per_s"]),
        "pytorch_failure": theirs.map(|line| &line["failure"]),
        "ratio": ratio,
        "least": target.least,
        "passed": ratio.map(|ratio| ratio >= target.least),
    }))
}

fn error(ours: &Value, peer: &Value) -> Value {
    let same = |line: &&Value| line["arch"] == ours["arch"] && line["precision"] == ours["precision"];
    let theirs = peer["networks"].as_array().and_then(|all| all.iter().find(same));
    let of = |kind: &str| ratio(ours[kind].as_f64(), theirs.and_then(|line| line[kind].as_f64()));
    let ratios = [of("logits"), of("gradient")];
    let worst = ratios.into_iter().try_fold(0.0, |most: f64, ratio| Some(most.max(ratio?)));
    json!({
        "name": format!("{}, error against f64", ours["name"].as_str().unwrap_or("?")),
        "logits_ratio": ratios[0],
        "gradient_ratio": ratios[1],
        "pytorch_failure": theirs.map(|line| &line["failure"]),
        "most": ERROR_FACTOR,
        "passed": worst.map(|worst| worst <= ERROR_FACTOR),
    })
}

/// None where one is missing or no number that divides.
fn ratio(ours: Option<f64>, theirs: Option<f64>) -> Option<f64> {
    let (ours, theirs) = (ours?, theirs.filter(|theirs| *theirs > 0.0)?);
    ours.is_finite().then(|| ours / theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks() -> Vec<Value> {
        let training = |precision: &str, batch: u32, speed: f64| json!({ "arch": "resnet50", "precision": precision, "batch": batch, "images_per_s": speed, "passed": true });
        let network = json!({ "name": "resnet18 bf16", "arch": "resnet18", "precision": "bf16", "logits": 0.02, "gradient": 0.3 });
        vec![
            json!({ "check": "speed", "lines": [training("bf16", 64, 1000.0), training("bf16", 8, 600.0), training("f32", 8, 9.0)] }),
            json!({ "check": "sessions", "lines": [{ "name": "same" }, training("f32", 1, 500.0)] }),
            json!({ "check": "networks", "lines": [network] }),
        ]
    }

    fn passed(peer: &Value) -> Vec<Option<bool>> {
        verdicts(&checks(), peer, &["resnet50"]).iter().map(|line| line["passed"].as_bool()).collect()
    }

    fn peer(eager: f64, compiled: f64, small: f64, inference: f64, gradient: f64) -> Value {
        let line = |precision: &str, batch: u32, mode: &str, speed: f64| json!({ "arch": "resnet50", "precision": precision, "batch": batch, "mode": mode, "images_per_s": speed });
        json!({
            "training": [line("bf16", 64, "eager", eager), line("bf16", 64, "compile", compiled), line("bf16", 8, "eager", small)],
            "inference": [line("f32", 1, "eager", inference)],
            "networks": [{ "arch": "resnet18", "precision": "bf16", "logits": 0.02, "gradient": gradient }],
        })
    }

    #[test]
    fn every_target_is_decided_by_its_own_ratio() {
        assert_eq!(passed(&peer(1000.0, 1250.0, 500.0, 500.0, 0.15)), [Some(true); 5]);
        assert_eq!(passed(&peer(1001.0, 1250.0, 500.0, 500.0, 0.15))[0], Some(false));
        assert_eq!(passed(&peer(1000.0, 1251.0, 500.0, 500.0, 0.15))[1], Some(false));
        assert_eq!(passed(&peer(1000.0, 1250.0, 501.0, 500.0, 0.15))[2], Some(false));
        assert_eq!(passed(&peer(1000.0, 1250.0, 500.0, 501.0, 0.15))[3], Some(false));
        assert_eq!(passed(&peer(1000.0, 1250.0, 500.0, 500.0, 0.149))[4], Some(false));
    }

    #[test]
    fn the_network_table_is_held_to_the_same_card_where_it_can_be() {
        let held = |peer: &Value| {
            let mut checks = checks();
            checks[2]["lines"][0]["passed"] = false.into();
            hold_networks(&mut checks, peer);
            checks[2]["passed"].as_bool()
        };
        assert_eq!(held(&peer(1.0, 1.0, 1.0, 1.0, 0.15)), Some(true));
        assert_eq!(held(&peer(1.0, 1.0, 1.0, 1.0, 0.1)), Some(false));
        assert_eq!(held(&json!({})), Some(false), "what the processor's errors said stays");
    }

    #[test]
    fn what_pytorch_did_not_measure_is_not_decided() {
        let mut peer = peer(1000.0, 1250.0, 500.0, 500.0, 0.15);
        peer["training"][1] = json!({
            "arch": "resnet50", "precision": "bf16", "batch": 64, "mode": "compile", "images_per_s": null,
            "failure": "no compiler",
        });
        let lines = verdicts(&checks(), &peer, &["resnet50"]);
        assert_eq!((lines[1]["passed"].as_bool(), &lines[1]["pytorch_failure"]), (None, &json!("no compiler")));
        assert_eq!(passed(&json!({})), [None; 5]);
        assert_eq!(verdicts(&[], &peer, &["resnet50"]).len(), 0, "what we did not measure is no line");
    }
}
