use va_domain::{Settings, Theme};
use va_error::Code;

use crate::scene::Scene;

#[test]
fn a_setting_is_kept_until_the_next() {
    let scene = Scene::new();
    let read = |scene: &Scene| scene.store.read(|read| read.settings().get::<Settings>("ui")).unwrap();
    assert_eq!(read(&scene), None);
    let dark = Settings { theme: Theme::Dark, language: "zh-CN".to_owned(), thumbnail_px: 200, ..Settings::default() };
    scene.quiet(|tx| tx.settings_mut().put("ui", &dark)).unwrap();
    let scene = scene.reopened();
    assert_eq!(read(&scene), Some(dark));
    scene.quiet(|tx| tx.settings_mut().put("ui", &Settings::default())).unwrap();
    assert_eq!(read(&scene), Some(Settings::default()));
}

#[test]
fn a_setting_of_another_shape_is_an_error_and_no_panic() {
    let scene = Scene::new();
    scene.quiet(|tx| tx.settings_mut().put("ui", &"text")).unwrap();
    let error = scene.store.read(|read| read.settings().get::<Settings>("ui")).unwrap_err();
    assert_eq!(error.code(), Code::Internal);
}
