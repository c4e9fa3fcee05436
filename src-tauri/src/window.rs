//! The one window.

use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};

pub const LABEL: &str = "main";

pub fn open(app: &AppHandle) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        .title("VisAIon")
        .inner_size(1440.0, 900.0)
        .min_inner_size(960.0, 640.0)
        .build()?;
    Ok(())
}

/// Brings the window to the front, also out of the tray.
pub fn raise(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    for result in [window.show(), window.unminimize(), window.set_focus()] {
        if let Err(error) = result {
            tracing::warn!("the window could not be raised: {error}");
        }
    }
}
