//! Closing while work is running asks: keep running in the tray, checkpoint and stop, or do not close after all.

use std::sync::atomic::{AtomicBool, Ordering};

use tauri::menu::{Menu, MenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager, Window, WindowEvent};
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogResult};

use crate::library::Library;
use crate::window;
use crate::words::{self, Words};

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
    let [keep, stop, stay] = [words.keep_running, words.stop_safely, words.cancel].map(str::to_owned);
    let buttons = MessageDialogButtons::YesNoCancelCustom(keep, stop, stay);
    let handle = app.clone();
    app.dialog().message(words.jobs_running).title("VisAIon").buttons(buttons).show_with_result(move |pressed| {
        ASKING.store(false, Ordering::SeqCst);
        match Choice::of(&pressed, words) {
            Choice::Keep => {
                if let Err(error) = to_tray(&handle) {
                    // Without a tray nothing would bring the window back: it stays.
                    tracing::warn!("no tray here, the window stays open: {error}");
                }
            }
            Choice::Stop => handle.exit(0),
            Choice::Stay => {}
        }
    });
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Keep,
    Stop,
    Stay,
}

impl Choice {
    /// Systems answer with the button's place or with its text. Escape, or a dialog that was taken away, changes nothing.
    fn of(pressed: &MessageDialogResult, words: &Words) -> Self {
        match pressed {
            MessageDialogResult::Yes => Self::Keep,
            MessageDialogResult::No => Self::Stop,
            MessageDialogResult::Custom(text) if text == words.keep_running => Self::Keep,
            MessageDialogResult::Custom(text) if text == words.stop_safely => Self::Stop,
            _ => Self::Stay,
        }
    }
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

#[cfg(test)]
mod tests {
    use tauri_plugin_dialog::MessageDialogResult::{Cancel, Custom, No, Ok, Yes};

    use super::Choice;
    use crate::words;

    #[test]
    fn only_a_button_closes_and_everything_else_stays() {
        for language in ["en", "zh-CN"] {
            let words = words::for_language(language);
            let pressed = [words.keep_running, words.stop_safely, words.cancel].map(|text| Custom(text.to_owned()));
            assert_eq!(pressed.map(|p| Choice::of(&p, words)), [Choice::Keep, Choice::Stop, Choice::Stay]);
            assert_eq!(
                [Yes, No, Cancel, Ok].map(|p| Choice::of(&p, words)),
                [Choice::Keep, Choice::Stop, Choice::Stay, Choice::Stay]
            );
        }
    }
}
