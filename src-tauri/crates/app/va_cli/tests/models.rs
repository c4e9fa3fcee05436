//! Training, evaluating, exporting and predicting on the command line, and stopping in the middle.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail where it is")]

mod program;

use program::{Program, write_classes};

fn with_images(count: u32) -> Program {
    let program = Program::new();
    let images = program.dir.path().join("images");
    write_classes(&images, count);
    program.json(&["dataset", "import", images.to_str().unwrap(), "--dataset", "tiles"]);
    program.json(&["dataset", "split", "tiles", "--train", "0.5", "--val", "0.25", "--test", "0.25"]);
    program
}

#[test]
fn a_model_is_trained_evaluated_exported_and_used() {
    let program = with_images(8);
    let short = ["--epochs", "1", "--image-size", "32", "--batch", "4", "--seed", "1"];
    let version = program.json(&[&["train", "--dataset", "tiles", "--model", "first"][..], &short].concat());
    assert_eq!((version["number"].as_u64(), version["arch"].as_str()), (Some(1), Some("resnet18")));
    let flags = "--optimiser sgd --lr 0.05 --schedule one_cycle --ema-decay 0.9 --mixup-alpha 0.2 --micro-batch 2 \
                 --class-balance sampling --freeze-backbone-epochs 1";
    let more: Vec<&str> = short.into_iter().chain(flags.split_whitespace()).collect();
    let printed = program.text(&[&["train", "--dataset", "tiles", "--model", "first"][..], &more].concat());
    assert_eq!(printed.trim(), "first@2", "a model that exists gets a new version");

    let evaluation = program.json(&["evaluate", "first@1", "--split", "test"]);
    assert_eq!(evaluation["summary"]["sample_count"], 4);
    assert!(program.text(&["evaluate", "first", "--split", "val"]).contains("confusion"));

    let out = program.dir.path().join("model.onnx");
    let file = program.json(&["export", "first@1", "--format", "onnx", "--out", out.to_str().unwrap()]);
    assert_eq!(file["certificate"]["verdict"], "PASS");
    assert!(out.is_file());
    assert!(program.text(&["export", "first", "--out", out.to_str().unwrap()]).contains("certificate PASS"));

    let half = program.dir.path().join("half.onnx");
    let small = program.json(&["export", "first@1", "--precision", "fp16", "--out", half.to_str().unwrap()]);
    assert_eq!(small["precision"], "fp16");
    assert_eq!(file["precision"], "fp32");
    assert!(half.metadata().unwrap().len() * 10 < out.metadata().unwrap().len() * 6);

    let image = program.dir.path().join("images/dark/dark_000.png");
    let picture = program.dir.path().join("why.png");
    let ask = |more: &[&str]| {
        let base = ["explain", "first@1", image.to_str().unwrap(), "--out", picture.to_str().unwrap()];
        program.run(&[&base[..], more].concat())
    };
    assert!(ask(&["--class", "light", "--layer", "layer1.1.act2"]).status.success());
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    for (wrong, named) in [(["--class", "grey"], "dark, light"), (["--layer", "x"], "layer1.1.act2")] {
        let answer = ask(&wrong);
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(answer.status.code() == Some(1) && said.contains(named), "{said}");
    }

    let id = version["id"].as_str().unwrap();
    let broken = program.dir.path().join("images/dark/broken.png");
    std::fs::write(&broken, "no image").unwrap();
    let folder = program.dir.path().join("images/dark");
    let answer = program.json(&["predict", id, folder.to_str().unwrap()]);
    assert_eq!(answer["predictions"].as_array().unwrap().len(), 8);
    assert_eq!(answer["left_out"]["warnings"].as_array().unwrap().len(), 1);
    let nothing = program.run(&["predict", "first", broken.to_str().unwrap()]);
    assert_eq!(nothing.status.code(), Some(1));
    assert_eq!(program.run(&["predict", "first@9", folder.to_str().unwrap()]).status.code(), Some(1));
}

#[test]
fn a_run_starts_from_the_weights_of_a_file() {
    let program = with_images(8);
    let listed = program.json(&["weights", "list"]);
    assert!(listed["items"].as_array().unwrap().iter().all(|weights| weights["state"] == "not_installed"));
    let arch = "mobilenetv4_conv_small";
    let short = ["train", "--dataset", "tiles", "--arch", arch, "--epochs", "1", "--image-size", "32", "--batch", "4"];
    let first = program.json(&[&short[..], &["--model", "first"]].concat());
    let folder = program.dir.path().join("library/models").join(first["id"].as_str().unwrap());
    let file = folder.join("weights.safetensors");
    let args = ["weights", "install", file.to_str().unwrap(), "--name", "ours", "--licence", "MIT"];
    let installed = program.json(&args);
    assert_eq!((&installed["weights"]["arch"], &installed["weights"]["class_count"]), (&arch.into(), &2.into()));
    assert!(program.text(&args).contains("ours"), "a second time changes nothing");
    let shown = program.text(&["weights", "list"]);
    assert!(shown.contains("ours") && shown.contains("Apache-2.0"), "{shown}");

    let second = program.json(&[&short[..], &["--model", "second", "--weights", "ours"]].concat());
    assert_eq!(second["initial_weights"]["name"], "ours");
    assert_eq!(second["initial_weights"]["report"]["new"]["count"], 0);
    for (args, said) in [
        (&["train", "--dataset", "tiles", "--weights", "ours"][..], "architecture"),
        (&["train", "--dataset", "tiles", "--weights", "theirs"], "visaion weights list"),
        (&["weights", "download", "resnet18.a1_in1k"], "--agree-licence"),
        (&["weights", "download", "theirs", "--agree-licence"], "visaion weights list"),
        (&["weights", "remove", "theirs"], "visaion weights list"),
        (&["weights", "install", "/no/such/file.pth"], "/no/such/file.pth"),
    ] {
        let output = program.run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(said), "{args:?}: {text}");
    }
    assert!(program.text(&["weights", "remove", "ours"]).contains("removed ours"));
    assert!(!program.text(&["weights", "list"]).contains("ours"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_training_politely_while_others_look_on() {
    use std::io::BufRead;
    let program = with_images(8);
    let args = ["train", "--dataset", "tiles", "--epochs", "9999", "--image-size", "32", "--batch", "4"];
    let mut child = program.command(&args).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
    let begun = lines.by_ref().map(Result::unwrap).any(|line| line.contains("epoch 1/9999"));
    assert!(begun, "the training ended before it began");
    let running = program.json(&["job", "list", "--kind", "train"]);
    assert_eq!(running["items"][0]["state"], "running", "seen through the process that owns the library");
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let said: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(said.last().unwrap().contains("visaion job resume"), "{said:?}");
    let jobs = program.json(&["job", "list", "--kind", "train"]);
    assert_eq!(jobs["items"][0]["state"], "cancelled");
}
