//! Imports from end to end: what goes in, what is left out and why, and that doing it again changes nothing.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use va_app::import::{ImportRequest, import_now, preview, preview_until, start};
use va_app::{
    Actor, App, OpenOptions, Origin, annotations, assets, datasets, export, history, images, jobs, samples, staging,
};
use va_domain::{
    DatasetId, ExportFormat, Geometry, ImportFormat, ImportOptions, ImportReport, JobState, PageRequest, SampleFilter,
    SampleSort, SplitRatios,
};
use va_error::{Code, FileFault};
use va_media::{RgbImage, encode_jpeg, encode_png_rgb};

struct World {
    place: tempfile::TempDir,
    app: App,
    dataset: DatasetId,
}

fn actor() -> Actor {
    Actor::owner(Origin::Cli)
}

fn world() -> World {
    let place = tempfile::tempdir().unwrap();
    let app = App::open(&place.path().join("library"), OpenOptions { create: true, run_jobs: true }).unwrap();
    let dataset = datasets::create(&app, &actor(), "tiles", "", None).unwrap().id;
    World { place, app, dataset }
}

/// A picture unlike any other of another `seed`.
fn picture(seed: u8, width_px: u32, height_px: u32) -> RgbImage {
    let pixels = (0..width_px * height_px * 3).map(|i| (i as u8).wrapping_mul(seed | 1).wrapping_add(seed)).collect();
    RgbImage { width_px, height_px, pixels }
}

fn jpeg(seed: u8) -> Vec<u8> {
    encode_jpeg(&picture(seed, 24, 16), 90).unwrap()
}

impl World {
    fn source(&self) -> PathBuf {
        self.place.path().join("source")
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.source().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn request(&self) -> ImportRequest {
        ImportRequest { paths: vec![self.source()], ..ImportRequest::default() }
    }

    fn import(&self) -> ImportReport {
        import_now(&self.app, &actor(), self.dataset, &self.request()).unwrap()
    }

    fn samples(&self) -> Vec<va_domain::Sample> {
        let page = PageRequest { limit: Some(500), cursor: None };
        samples::list(&self.app, self.dataset, &SampleFilter::default(), SampleSort::Name, &page).unwrap().items
    }
}

fn reasons(report: &ImportReport) -> Vec<String> {
    let mut lines: Vec<_> = report.left_out.warnings.iter().map(|w| format!("{}: {}", w.subject, w.reason)).collect();
    lines.sort();
    lines
}

fn count_files(folder: &Path) -> u64 {
    let walk = va_formats::Tree::walk(&[folder.to_owned()], &|| false).unwrap();
    walk.file_count()
}

#[test]
fn every_file_is_counted_once_and_everything_left_out_has_a_reason() {
    let world = world();
    world.put("cat/1.jpg", &jpeg(1));
    world.put("cat/again.jpg", &jpeg(1));
    world.put("dog/2.png", &encode_png_rgb(&picture(2, 9, 7)).unwrap());
    world.put("dog/cat.jpg", &jpeg(1));
    world.put("dog/empty.jpg", b"");
    world.put("dog/notes.txt", b"not an image");
    world.put("dog/wrong.txt", &jpeg(3));
    let whole = jpeg(4);
    world.put("dog/cut.jpg", &whole[..whole.len() / 2]);
    let mut bomb = encode_png_rgb(&picture(5, 8, 8)).unwrap();
    bomb[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    world.put("dog/bomb.png", &bomb);
    world.put(&format!("dog/{}.jpg", "n".repeat(251)), &jpeg(6));

    let seen = preview(&world.app, world.dataset, &world.request()).unwrap();
    assert_eq!(
        (seen.format, seen.image_count, seen.duplicate_count, seen.existing_count),
        (ImportFormat::Folders, 6, 2, 0)
    );
    assert_eq!(
        seen.classes.iter().map(|c| (c.name.as_str(), c.exists)).collect::<Vec<_>>(),
        [("cat", false), ("dog", false)]
    );
    assert_eq!(seen.broken.len(), 4);
    let fault_of = |name: &str| seen.broken.warnings.iter().find(|w| w.subject == name).and_then(|w| w.fault);
    assert_eq!(
        ["dog/empty.jpg", "dog/cut.jpg", "dog/notes.txt"].map(fault_of),
        [FileFault::Empty, FileFault::Damaged, FileFault::NotAnImage].map(Some)
    );
    assert_eq!(world.samples().len(), 0, "a preview changes nothing");

    let report = world.import();
    assert_eq!((report.imported, report.duplicates, report.left_out.len()), (4, 1, 5), "{:?}", reasons(&report));
    assert_eq!(
        report.imported + report.masks + report.duplicates + report.left_out.len() as u64,
        count_files(&world.source())
    );
    assert_eq!(report.new_classes, ["cat", "dog"]);
    let lines = reasons(&report).join("\n");
    for part in [
        "dog/cat.jpg: the same image is cat/1.jpg in class cat",
        "dog/empty.jpg: the file is empty",
        "dog/cut.jpg: the JPEG is damaged",
        "dog/notes.txt: this is not an image",
        "dog/bomb.png: ",
    ] {
        assert!(lines.contains(part), "{part} in\n{lines}");
    }
    for sample in world.samples() {
        let bytes = fs::read(world.app.media_path(&sample.media_hash, &sample.format)).unwrap();
        assert_eq!(va_media::hash(&bytes), sample.media_hash);
        assert!(sample.label_id.is_some());
    }
    assert_eq!(world.app.store().check_integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn importing_again_adds_nothing_and_undo_takes_it_all_back() {
    let world = world();
    for number in 0..5 {
        world.put(&format!("a/{number}.jpg"), &jpeg(number));
    }
    assert_eq!(world.import().imported, 5);
    let again = world.import();
    assert_eq!((again.imported, again.duplicates, again.new_classes.len()), (0, 5, 0));
    assert_eq!(preview(&world.app, world.dataset, &world.request()).unwrap().existing_count, 5);
    history::undo(&world.app, &actor(), world.dataset).unwrap();
    assert_eq!(world.samples().len(), 0);
    assert_eq!(world.import().imported, 5, "what was undone can be imported again");
}

#[test]
fn two_imports_at_once_bring_every_image_in_once() {
    let world = world();
    for seed in 0..40 {
        world.put(&format!("scratch/{seed}.jpg"), &jpeg(seed));
    }
    let reports: Vec<ImportReport> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..2).map(|_| scope.spawn(|| world.import())).collect();
        running.into_iter().map(|import| import.join().unwrap()).collect()
    });
    assert_eq!(world.samples().len(), 40);
    assert_eq!(reports.iter().map(|r| r.imported).sum::<u64>(), 40, "{reports:?}");
    assert_eq!(reports.iter().map(|r| r.duplicates).sum::<u64>(), 40, "{reports:?}");
}

#[test]
fn masks_become_regions_of_their_class() {
    let world = world();
    let mut mask = RgbImage { width_px: 24, height_px: 16, pixels: vec![0; 24 * 16 * 3] };
    world.put("MT_Free/Imgs/1.jpg", &jpeg(1));
    world.put("MT_Free/Imgs/1.png", &encode_png_rgb(&mask).unwrap());
    mask.pixels[..9].fill(255);
    world.put("MT_Break/Imgs/2.jpg", &jpeg(2));
    world.put("MT_Break/Imgs/2.png", &encode_png_rgb(&mask).unwrap());
    world.put("MT_Break/Imgs/3.jpg", &jpeg(3));
    world.put("MT_Break/Imgs/3.png", &encode_png_rgb(&picture(1, 5, 5)).unwrap());
    let report = world.import();
    assert_eq!((report.imported, report.masks, report.left_out.len()), (3, 2, 1));
    assert!(reasons(&report)[0].starts_with("MT_Break/Imgs/3.png: the mask is 5×5, its image 24×16"));
    let with_regions: Vec<_> = world.samples().into_iter().filter(|s| s.region_count > 0).collect();
    assert_eq!(with_regions.len(), 1);
    let found = annotations::list(&world.app, with_regions[0].id).unwrap();
    let region = found.iter().find_map(|a| match &a.geometry {
        Geometry::Mask(mask) => Some((mask.area(), a.label_id)),
        _ => None,
    });
    assert_eq!(region, Some((3, with_regions[0].label_id)));
    let overlay = images::mask(&world.app, with_regions[0].id).unwrap();
    assert_eq!(
        va_media::decode_mask(&overlay.bytes, &va_media::Limits::default())
            .unwrap()
            .pixels
            .iter()
            .filter(|p| **p > 0)
            .count(),
        3
    );
}

#[test]
fn the_sample_project_is_split_by_class() {
    let world = world();
    let options = ImportOptions { split: Some(SplitRatios::default()), split_seed: 42, ..ImportOptions::default() };
    let request = ImportRequest { paths: vec![assets::sample_assets_dir().unwrap()], upload_id: None, options };
    let report = import_now(&world.app, &actor(), world.dataset, &request).unwrap();
    assert_eq!((report.imported, report.new_classes.join(" ").as_str()), (777, "platelet red_cell white_cell"));
    let facets = datasets::facets(&world.app, world.dataset).unwrap();
    assert_eq!((facets.splits.none, facets.splits.train), (0, 157 + 210 + 177));
}

#[test]
fn a_folder_without_images_gets_one_message() {
    let world = world();
    fs::create_dir(world.source()).unwrap();
    let empty = preview(&world.app, world.dataset, &world.request()).unwrap_err();
    assert!(empty.message().contains("there are no images"), "{empty}");
    assert_eq!(empty.fault(), Some(FileFault::NoImages), "for a screen in another language");
    world.put("a.txt", b"text");
    for error in [
        preview(&world.app, world.dataset, &world.request()).unwrap_err(),
        import_now(&world.app, &actor(), world.dataset, &world.request()).unwrap_err(),
    ] {
        assert!(error.message().contains("none is a JPEG"), "{error}");
    }
    let gone = ImportRequest { paths: vec![world.place.path().join("gone")], ..ImportRequest::default() };
    assert_eq!(start(&world.app, &actor(), world.dataset, &gone).unwrap_err().code(), Code::NotFound);
    assert_eq!(
        start(&world.app, &actor(), world.dataset, &ImportRequest::default()).unwrap_err().code(),
        Code::InvalidInput
    );
    assert_eq!(
        preview_until(&world.app, world.dataset, &world.request(), &|| true).unwrap_err().code(),
        Code::Cancelled
    );
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf8_symlink_loops_and_read_only_folders_are_no_obstacle() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    let world = world();
    let path = world.put("a/x.jpg", &jpeg(1));
    fs::rename(&path, path.with_file_name(OsStr::from_bytes(b"caf\xe9.jpg"))).unwrap();
    symlink("..", world.source().join("a/up")).unwrap();
    fs::set_permissions(world.source().join("a"), fs::Permissions::from_mode(0o555)).unwrap();
    let report = world.import();
    fs::set_permissions(world.source().join("a"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!((report.imported, report.left_out.len()), (1, 1), "{:?}", reasons(&report));
    let sample = &world.samples()[0];
    assert_eq!(sample.name, "caf\u{fffd}.jpg");
    let bytes = world.app.store().read(|read| read.samples().name_bytes(sample.id)).unwrap();
    assert_eq!(bytes.as_deref(), Some(&b"caf\xe9.jpg"[..]));
}

#[test]
fn an_upload_is_imported_and_cleared_away() {
    let world = world();
    let mut upload = staging::begin(&world.app).unwrap();
    for (name, seed) in [("cat/1.jpg", 1), ("dog/2.jpg", 2)] {
        let mut file = upload.file(name).unwrap();
        file.write_all(&jpeg(seed)).unwrap();
        file.finish().unwrap();
    }
    let request = ImportRequest { upload_id: Some(upload.id.clone()), ..ImportRequest::default() };
    let report = import_now(&world.app, &actor(), world.dataset, &request).unwrap();
    assert_eq!((report.imported, report.new_classes.len()), (2, 2));
    assert_eq!(staging::folder(&world.app, &upload.id).unwrap_err().code(), Code::NotFound);
}

/// As its path does: what the folder is called is no class, what lies in it may be.
#[test]
fn one_folder_that_is_uploaded_says_what_its_path_would() {
    for (names, imported, classes) in [
        (["parts/1.jpg", "parts/2.jpg"], 2, Vec::new()),
        (["parts/good/1.jpg", "parts/bad/2.jpg"], 2, vec!["bad", "good"]),
    ] {
        let world = world();
        let mut upload = staging::begin(&world.app).unwrap();
        for (name, seed) in names.iter().zip(1..) {
            let mut file = upload.file(name).unwrap();
            file.write_all(&jpeg(seed)).unwrap();
            file.finish().unwrap();
            world.put(name, &jpeg(seed));
        }
        let path = ImportRequest { paths: vec![world.source().join("parts")], ..ImportRequest::default() };
        let request = ImportRequest { upload_id: Some(upload.id.clone()), ..ImportRequest::default() };
        let seen = |request| {
            let seen = preview(&world.app, world.dataset, request).unwrap();
            (seen.format, seen.image_count, seen.classes)
        };
        assert_eq!(seen(&request), seen(&path));
        let mut report = import_now(&world.app, &actor(), world.dataset, &request).unwrap();
        report.new_classes.sort();
        assert_eq!(
            (report.imported, report.new_classes),
            (imported, classes.iter().map(ToString::to_string).collect())
        );
    }
}

#[test]
fn images_and_thumbnails_are_upright_and_survive_a_damaged_cache() {
    let world = world();
    let plain = jpeg(1);
    let exif = b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    world.put("turned.jpg", &[&plain[..2], exif, &plain[2..]].concat());
    world.put("plain.jpg", &jpeg(2));
    assert_eq!(world.import().imported, 2);
    let found = world.samples();
    let limits = va_media::Limits::default();
    assert_eq!(images::image(&world.app, found[0].id).unwrap().bytes, jpeg(2), "an upright original is sent as it is");
    let turned = images::image(&world.app, found[1].id).unwrap();
    let probe = va_media::probe(&turned.bytes, &limits).unwrap();
    assert_eq!((probe.width_px, probe.height_px, probe.orientation.is_upright()), (16, 24, true));
    assert_eq!((found[1].width_px, found[1].height_px), (16, 24));
    let first = images::thumbnail(&world.app, found[1].id, 256).unwrap();
    fs::remove_dir_all(world.place.path().join("library/cache")).unwrap();
    assert_eq!(images::thumbnail(&world.app, found[1].id, 256).unwrap(), first);
}

#[test]
fn an_export_reads_back_and_never_writes_over() {
    let world = world();
    world.put("cat/1.jpg", &jpeg(1));
    world.put("dog/1.jpg", &jpeg(2));
    world.put("loose.jpg", &jpeg(3));
    world.import();
    let out = world.place.path().join("out");
    let run = |format, out: &Path| {
        let request = export::DatasetExportRequest { format, out: out.to_owned() };
        export::start(&world.app, &actor(), world.dataset, &request)
            .map(|job| jobs::wait(&world.app, job.id, |_| ()).unwrap())
    };
    let job = run(ExportFormat::Folders, &out).unwrap();
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.error);
    assert_eq!(fs::read(out.join("cat/1.jpg")).unwrap(), jpeg(1));
    assert_eq!(fs::read(out.join("_unlabelled/loose.jpg")).unwrap(), jpeg(3));
    assert_eq!(fs::read_to_string(out.join("labels.csv")).unwrap().lines().count(), 4);
    assert_eq!(run(ExportFormat::Folders, &out).unwrap_err().code(), Code::Conflict);
    let file = world.place.path().join("labels.csv");
    assert_eq!(run(ExportFormat::Csv, &file).unwrap().state, JobState::Succeeded);
    assert!(fs::read_to_string(&file).unwrap().contains("1.jpg,cat,,"));
    assert_eq!(run(ExportFormat::Csv, &file).unwrap_err().code(), Code::Conflict);
    assert_eq!(run(ExportFormat::Csv, &world.app.library_dir().join("x.csv")).unwrap_err().code(), Code::InvalidInput);
    assert_eq!(fs::read_dir(world.place.path()).unwrap().count(), 4, "nothing half-made is left");
}
