//! Closing while work is running asks: keep running in the tray, or checkpoint and stop.

use std::sync::atomic::{AtomicBool, Ordering};

use tauri::menu::{Menu, MenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager, Window, WindowEvent};
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons};

use crate::library::Library;
use crate::{window, words};

/// Asked once at a time: a second click on the close button while the question stands changes nothing.
static ASKING: AtomicBool = AtomicBool::new(false);

pub fn on_window_event(window: &Window, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else { return };
    let app = window.app_handle().clone();
    if !app.state::<Library>().has_running_jobs() {
        return;
    }
    api.prevent_close();
    if !ASKING.swap(true, Ordering::SeqCst) {
        ask(&app);
    }
}

fn ask(app: &AppHandle) {
    let words = words::for_language(&app.state::<Library>().language());
    let buttons = MessageDialogButtons::OkCancelCustom(words.keep_running.to_owned(), words.stop_safely.to_owned());
    let handle = app.clone();
    app.dialog().message(words.jobs_running).title("VisAIon").buttons(buttons).show(move |keep| {
        ASKING.store(false, Ordering::SeqCst);
        if !keep {
            handle.exit(0);
        } else if let Err(error) = to_tray(&handle) {
            // Without a tray nothing would bring the window back: it stays.
            tracing::warn!("no tray here, the window stays open: {error}");
        }
    });
}

fn to_tray(app: &AppHandle) -> tauri::Result<()> {
    let words = words::for_language(&app.state::<Library>().language());
    if app.tray_by_id("main").is_none() {
        let open = MenuItem::with_id(app, "open", words.open, true, None::<&str>)?;
        let quit = MenuItem::with_id(app, "quit", words.quit, true, None::<&str>)?;
        let mut tray = TrayIconBuilder::with_id("main")
            .menu(&Menu::with_items(app, &[&open, &quit])?)
            .on_menu_event(|app, event| if event.id() == "quit" { app.exit(0) } else { window::raise(app) });
        if let Some(icon) = app.default_window_icon() {
            tray = tray.icon(icon.clone());
        }
        tray.build(app)?;
    }
    if let Some(window) = app.get_webview_window(window::LABEL) {
        window.hide()?;
    }
    Ok(())
}
