//! The native pickers. (Dropped files reach the page as Tauri's own drag-and-drop event, with paths.)

use std::path::PathBuf;

use serde::Deserialize;
use tauri::AppHandle;
use tauri_plugin_dialog::DialogExt;

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Folder,
    Files,
    /// Where to write a file or folder.
    Save,
}

/// What the person is asked for.
#[derive(Debug, Deserialize)]
pub struct PickOptions {
    what: What,
    title: Option<String>,
    /// Suggested name when saving.
    file_name: Option<String>,
    /// Extensions without dot; none lets everything through.
    #[serde(default)]
    extensions: Vec<String>,
}

/// Lets the person choose; an empty list means that they changed their mind.
#[tauri::command]
pub async fn pick_paths(app: AppHandle, options: PickOptions) -> Vec<PathBuf> {
    tauri::async_runtime::spawn_blocking(move || choose(&app, &options)).await.unwrap_or_default()
}

fn choose(app: &AppHandle, options: &PickOptions) -> Vec<PathBuf> {
    let mut dialog = app.dialog().file();
    if let Some(title) = &options.title {
        dialog = dialog.set_title(title);
    }
    if let Some(name) = &options.file_name {
        dialog = dialog.set_file_name(name);
    }
    if !options.extensions.is_empty() {
        let extensions: Vec<&str> = options.extensions.iter().map(String::as_str).collect();
        dialog = dialog.add_filter(extensions.join(", "), &extensions);
    }
    let chosen = match options.what {
        What::Folder => dialog.blocking_pick_folder().into_iter().collect(),
        What::Files => dialog.blocking_pick_files().unwrap_or_default(),
        What::Save => dialog.blocking_save_file().into_iter().collect(),
    };
    chosen.into_iter().filter_map(|path| path.into_path().ok()).collect()
}
