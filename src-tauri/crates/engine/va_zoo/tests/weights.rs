//! Weight files: what PyTorch and timm write is read to the last bit, and hostile files are refused without harm.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::io::{Cursor, Write};

use serde_json::Value;
use va_error::Code;
use va_zoo::{
    Array, Arrays, build, fit_weights, identify_weights, parse_catalogue, parse_weights, published_weights,
    read_weights, read_weights_of,
};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

fn golden(name: &str) -> std::path::PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../../../tests/golden", name].iter().collect()
}

fn reference() -> Value {
    serde_json::from_str(&std::fs::read_to_string(golden("weights_torch.json")).unwrap()).unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

#[test]
fn a_file_of_pytorch_is_read_with_every_number_type_and_stride() {
    let arrays = read_weights(&golden("torch_state.pth")).unwrap();
    let reference = reference();
    let state = reference["state"].as_object().unwrap();
    assert_eq!(arrays.len(), state.len());
    for (name, theirs) in state {
        let shape: Vec<usize> =
            theirs["shape"].as_array().unwrap().iter().map(|d| d.as_u64().unwrap() as usize).collect();
        assert_eq!(arrays[name].shape, shape, "{name}");
        assert_eq!(arrays[name].values, floats(&theirs["values"]), "{name}");
    }
}

/// Arrays of every parameter and buffer of a network, as a checkpoint of it would hold.
fn arrays_of(arch: &str, classes: usize, size: usize) -> Arrays {
    let graph = build(arch, classes, size, 3).unwrap();
    let params = graph.params().into_iter().map(|p| (p.name, p.shape));
    params
        .chain(graph.buffers().into_iter().map(|b| (b.name, b.shape)))
        .map(|(name, shape)| {
            let count = shape.iter().product::<usize>();
            let values = (0..count).map(|i| (i % 17) as f32).collect();
            (name, Array { shape, values })
        })
        .collect()
}

#[test]
fn a_classifier_of_other_classes_starts_anew() {
    let mut file = arrays_of("resnet18", 1000, 64);
    file.insert("bn1.num_batches_tracked".to_owned(), Array { shape: Vec::new(), values: vec![9.0] });
    file.insert("extra.weight".to_owned(), Array { shape: vec![1], values: vec![9.0] });
    let graph = build("resnet18", 3, 64, 3).unwrap();
    let (fitted, report) = fit_weights(&graph, "fc", file).unwrap();
    assert_eq!(report.new, ["fc.bias", "fc.weight"]);
    assert_eq!(report.skipped, ["extra.weight"]);
    assert_eq!(report.loaded.len(), 60 + 40);
    assert_eq!(fitted.len(), 100);
    assert_eq!(fitted["conv1.weight"].values[20], 3.0);
}

#[test]
fn weights_of_another_network_are_refused_by_name() {
    let graph = build("resnet18", 10, 64, 3).unwrap();
    let other = fit_weights(&graph, "fc", arrays_of("convnext_atto", 10, 64)).unwrap_err();
    assert_eq!(other.code(), Code::InvalidInput);
    assert!(other.message().contains("resnet18"), "{other}");
    let mut wide = arrays_of("resnet18", 10, 64);
    wide.insert("conv1.weight".to_owned(), Array { shape: vec![64, 1, 7, 7], values: vec![0.0; 64 * 49] });
    assert!(fit_weights(&graph, "fc", wide).unwrap_err().message().contains("conv1.weight"));
    let mut damaged = arrays_of("resnet18", 10, 64);
    damaged.get_mut("bn1.bias").unwrap().values[3] = f32::NAN;
    assert_eq!(fit_weights(&graph, "fc", damaged).unwrap_err().code(), Code::NotFinite);
}

#[test]
fn position_embeddings_are_resized_as_timm_does() {
    let reference = reference();
    let values = floats(&reference["embedding"]);
    // A grid of 5 × 5 with the two channels of the reference repeated over the network's.
    let channels = 192;
    let spread = |values: &[f32]| -> Vec<f32> {
        values.chunks(2).flat_map(|pair| (0..channels).map(move |c| pair[c % 2])).collect()
    };
    let mut file = arrays_of("vit_tiny_patch16_224", 5, 80);
    file.insert("pos_embed".to_owned(), Array { shape: vec![1, 26, channels], values: spread(&values) });
    for to in [2usize, 3, 7, 8] {
        let graph = build("vit_tiny_patch16_224", 5, 16 * to, 3).unwrap();
        let (fitted, report) = fit_weights(&graph, "head", file.clone()).unwrap();
        assert_eq!(report.resized, [("pos_embed".to_owned(), 5, to)]);
        let theirs = spread(&floats(&reference["resized"][to.to_string()]));
        let ours = &fitted["pos_embed"].values;
        assert_eq!(ours.len(), theirs.len());
        let error = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(error < 2e-6, "{to}: {error}");
    }
    file.insert("pos_embed".to_owned(), Array { shape: vec![1, 24, channels], values: vec![0.0; 24 * channels] });
    let graph = build("vit_tiny_patch16_224", 5, 48, 3).unwrap();
    assert!(fit_weights(&graph, "head", file).unwrap_err().message().contains("square"));
}

/// A PyTorch archive around this pickle, with one storage of 16 bytes.
fn archive(pickle: &[u8], name: &str, method: CompressionMethod) -> Vec<u8> {
    archive_of(pickle, &[0u8; 16], name, method)
}

fn archive_of(pickle: &[u8], storage: &[u8], name: &str, method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (path, bytes) in [(format!("{name}/data.pkl"), pickle), (format!("{name}/data/0"), storage)] {
        writer.start_file(path, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn text(value: &str) -> Vec<u8> {
    [&b"X"[..], &(value.len() as u32).to_le_bytes(), value.as_bytes()].concat()
}

fn int(value: i64) -> Vec<u8> {
    [&[0x8a, 8][..], &value.to_le_bytes()].concat()
}

/// The pickle of `{"w": tensor}` with this shape, stride and offset over the storage `key`.
fn pickle_of(shape: &[i64], strides: &[i64], offset: i64, key: &str) -> Vec<u8> {
    let tuple = |values: &[i64]| [b"(".to_vec(), values.iter().flat_map(|&v| int(v)).collect(), b"t".to_vec()].concat();
    [
        b"\x80\x02}(".to_vec(),
        text("w"),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text(key),
        text("cpu"),
        int(4),
        b"tQ".to_vec(),
        int(offset),
        tuple(shape),
        tuple(strides),
        b"\x89ccollections\nOrderedDict\n)RtRu.".to_vec(),
    ]
    .concat()
}

fn refusal(bytes: &[u8]) -> String {
    let error = parse_weights(bytes).expect_err("a hostile file was read");
    assert_eq!(error.code(), Code::InvalidInput, "{error}");
    error.chain()
}

#[test]
fn an_honest_archive_of_the_test_is_read() {
    let bytes = archive(&pickle_of(&[2, 2], &[2, 1], 0, "0"), "model", CompressionMethod::Stored);
    assert_eq!(parse_weights(&bytes).unwrap()["w"], Array { shape: vec![2, 2], values: vec![0.0; 4] });
}

#[test]
fn code_in_a_pickle_is_named_and_not_run() {
    let marker = std::env::temp_dir().join(format!("visaion-pickle-{}", std::process::id()));
    let command = format!("touch {}", marker.display());
    for (module, name) in [("os", "system"), ("builtins", "eval"), ("posix", "system"), ("torch", "load")] {
        let call = format!("c{module}\n{name}\n");
        let pickle = [b"\x80\x02".to_vec(), call.into_bytes(), text(&command), b"\x85R.".to_vec()].concat();
        let message = refusal(&archive(&pickle, "model", CompressionMethod::Stored));
        assert!(message.contains(&format!("{module}.{name}")) && message.contains("not run"), "{message}");
        // The same by the newer opcode.
        let pickle = [b"\x80\x04".to_vec(), text(module), text(name), b"\x93.".to_vec()].concat();
        assert!(refusal(&archive(&pickle, "model", CompressionMethod::Stored)).contains(name));
    }
    assert!(!marker.exists());
}

#[test]
fn tensors_larger_than_their_bytes_are_refused() {
    for (shape, strides, offset) in [
        (vec![1_000_000_000_000], vec![1], 0),
        (vec![1_000_000_000_000], vec![0], 0),
        (vec![1 << 40, 1 << 40], vec![1, 1], 0),
        (vec![2, 2], vec![i64::MAX, 1], 0),
        (vec![2, 2], vec![2, 1], 1),
        (vec![4], vec![1], i64::MAX),
        (vec![-4], vec![1], 0),
        (vec![4], vec![-1], 3),
        (vec![2, 2], vec![2], 0),
    ] {
        refusal(&archive(&pickle_of(&shape, &strides, offset, "0"), "model", CompressionMethod::Stored));
    }
}

#[test]
fn path_tricks_and_missing_storages_are_refused() {
    for key in ["../../etc/passwd", "/etc/passwd", "", "1", "0/../0"] {
        refusal(&archive(&pickle_of(&[4], &[1], 0, key), "model", CompressionMethod::Stored));
    }
    let honest = pickle_of(&[4], &[1], 0, "0");
    for name in ["..", "/abs", "a/../b", "C:\\x"] {
        refusal(&archive(&honest, name, CompressionMethod::Stored));
    }
    let compressed = refusal(&archive(&honest, "model", CompressionMethod::Deflated));
    assert!(compressed.contains("compressed"), "{compressed}");
}

/// Every prefix of an honest file and many single changes: an answer, never a panic.
#[test]
fn truncated_and_changed_files_never_panic() {
    let honest = archive(&pickle_of(&[2, 2], &[2, 1], 0, "0"), "model", CompressionMethod::Stored);
    for len in 0..honest.len() {
        assert!(parse_weights(&honest[..len]).is_err(), "{len}");
    }
    for at in 0..honest.len() {
        for change in [1u8, 0x80, 0xFF] {
            let mut bytes = honest.clone();
            bytes[at] ^= change;
            let _ = parse_weights(&bytes);
        }
    }
    let pickle = pickle_of(&[2, 2], &[2, 1], 0, "0");
    for at in 0..pickle.len() {
        for byte in 0..=255u8 {
            let mut changed = pickle.clone();
            changed[at] = byte;
            let _ = parse_weights(&archive(&changed, "model", CompressionMethod::Stored));
        }
    }
}

#[test]
fn attempts_on_memory_and_other_files_are_refused() {
    // A value kept at place 4,294,967,295.
    refusal(&archive(b"\x80\x02}r\xff\xff\xff\xff.", "model", CompressionMethod::Stored));
    // A text that claims 4 GiB.
    refusal(&archive(b"\x80\x02X\xff\xff\xff\xffabc.", "model", CompressionMethod::Stored));
    assert!(refusal(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.").contains("old PyTorch"));
    refusal(b"");
    refusal(b"not weights at all");
    refusal(b"\xff\xff\xff\xff\xff\xff\xff\xff{}");
}

/// One storage under many names would grow a small file into a large memory.
#[test]
fn many_views_of_one_storage_are_refused() {
    let one = pickle_of(&[16_384], &[1], 0, "0");
    // The body between the opening of the dictionary and its end, again and again.
    let body = &one[4..one.len() - 2];
    let pickle = |count: usize| [&one[..4], &body.repeat(count), b"u."].concat();
    let file = |count| archive_of(&pickle(count), &[0u8; 65_536], "model", CompressionMethod::Stored);
    assert!(parse_weights(&file(2)).is_ok());
    assert!(refusal(&file(100)).contains("more numbers than it holds"));
}

#[test]
fn the_catalogue_names_known_architectures_and_true_hashes_only() {
    let entries = published_weights();
    for arch in va_zoo::arch_names() {
        assert!(entries.iter().any(|entry| entry.arch == arch), "no weights for {arch}");
    }
    for entry in entries {
        assert!(va_zoo::arch_names().contains(&entry.arch.as_str()) && entry.name.starts_with(&entry.arch));
        assert!(entry.source_url.starts_with("https://") && !entry.licence.is_empty());
        if let Some(prefix) = &entry.sha256_prefix {
            assert!(entry.source_url.contains(prefix.as_str()), "{}", entry.name);
        }
    }
}

#[test]
fn a_catalogue_of_others_is_checked_entry_by_entry() {
    let entry = |change: &dyn Fn(&mut Value)| {
        let mut entry = serde_json::json!({
            "name": "tiles.v1", "arch": "resnet18", "source_url": "https://weights.example/tiles.safetensors",
            "licence": "MIT", "image_size_px": 224, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
        });
        change(&mut entry);
        parse_catalogue(&Value::Array(vec![entry]).to_string())
    };
    assert_eq!(entry(&|_| ()).unwrap()[0].known_sha256(), None);
    assert_eq!(entry(&|e| e["sha256_prefix"] = "00ff".into()).unwrap()[0].known_sha256(), Some("00ff"));
    for (key, value) in [
        ("arch", Value::from("resnet9000")),
        ("name", Value::from("../../x")),
        ("sha256", Value::from("00ff")),
        ("sha256_prefix", Value::from("XYZ")),
        ("std", serde_json::json!([0.5, 0.0, 0.5])),
        ("other", Value::from(1)),
        ("licence", Value::Null),
    ] {
        let error = entry(&|e| e[key] = value.clone()).unwrap_err();
        assert!(matches!(error.code(), Code::InvalidInput | Code::NotFound), "{key}: {error}");
    }
}

#[test]
fn the_architecture_of_a_file_is_told_by_its_names_and_shapes() {
    for (arch, classes) in [
        ("resnet18", 1000),
        ("resnet34", 10),
        ("mobilenetv4_conv_small", 7),
        ("convnext_atto", 1000),
        ("vit_tiny_patch16_224", 21),
    ] {
        let found = identify_weights(arrays_of(arch, classes, 224)).unwrap();
        assert_eq!((found.arch.name, found.class_count), (arch, Some(classes)), "{arch}");
        assert!(found.report.new.is_empty() && found.report.skipped.is_empty(), "{arch}: {:?}", found.report);
    }
    // A backbone alone, on other images, with something of its own beside it.
    let mut backbone = arrays_of("vit_tiny_patch16_224", 2, 96);
    backbone.retain(|name, _| !name.starts_with("head."));
    backbone.insert("extra".to_owned(), Array { shape: vec![1], values: vec![0.0] });
    let found = identify_weights(backbone).unwrap();
    assert_eq!((found.arch.name, found.class_count), ("vit_tiny_patch16_224", None));
    assert_eq!((found.report.skipped.as_slice(), found.report.new.len()), (["extra".to_owned()].as_slice(), 2));
    let mut other = arrays_of("resnet18", 10, 64);
    other.remove("layer4.1.bn2.running_mean");
    let error = identify_weights(other).unwrap_err();
    assert!(error.code() == Code::InvalidInput && error.message().contains("resnet18"), "{error}");
    assert!(identify_weights(Arrays::new()).is_err());
    let mut damaged = arrays_of("mobilenetv4_conv_small", 7, 64);
    damaged.values_mut().next().unwrap().values[0] = f32::INFINITY;
    assert_eq!(identify_weights(damaged).unwrap_err().code(), Code::NotFinite);
}

#[test]
fn a_file_that_was_changed_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("w.safetensors");
    std::fs::copy(golden("torch_state.pth"), &file).unwrap();
    let error = read_weights_of(&file, &"0".repeat(64)).unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    let found = error.chain().split("SHA-256 is ").nth(1).unwrap()[..64].to_owned();
    assert_eq!(read_weights_of(&file, &found).unwrap(), read_weights(&file).unwrap());
}
