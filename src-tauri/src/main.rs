//! The desktop shell: the only code that names Tauri. It opens the library, hosts the front end in a window and wires
//! its calls, events and image addresses to `va_api`. No rule of the product lives here.

#![allow(clippy::needless_pass_by_value, reason = "Tauri decides the shape of its handlers")]
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod call;
mod close;
mod events;
mod library;
mod logging;
mod media_protocol;
mod pick;
mod window;
mod words;

use std::process::ExitCode;

use tauri::{App, Builder, Wry};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    logging::start();
    match library::open_or_raise() {
        Ok(library::Opened::Ours(library)) => show(library),
        Ok(library::Opened::RaisedOther) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:?}");
            tell_why_not(&error)
        }
    }
}

fn show(library: library::Library) -> ExitCode {
    let builder = builder()
        .manage(library)
        .register_asynchronous_uri_scheme_protocol(media_protocol::SCHEME, media_protocol::answer)
        .invoke_handler(tauri::generate_handler![call::call, events::subscribe, pick::pick_paths])
        .on_window_event(close::on_window_event)
        .setup(|app| {
            window::open(app.handle())?;
            library::serve_others(app.handle());
            Ok(())
        });
    match build(builder) {
        Ok(app) => {
            app.run(library::on_run_event);
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("the window could not be made: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A person who double-clicked sees no terminal: the reason is shown in a small dialog of its own.
fn tell_why_not(error: &va_error::Error) -> ExitCode {
    use tauri_plugin_dialog::{DialogExt, MessageDialogKind};
    if let Ok(app) = build(builder()) {
        let handle = app.handle().clone();
        let dialog = app.handle().dialog().message(error.chain()).title("VisAIon").kind(MessageDialogKind::Error);
        dialog.show(move |_| handle.exit(1));
        app.run(|_, _| {});
    }
    ExitCode::FAILURE
}

fn builder() -> Builder<Wry> {
    Builder::default().plugin(tauri_plugin_dialog::init())
}

/// The one place that embeds the front end.
fn build(builder: Builder<Wry>) -> tauri::Result<App> {
    builder.build(tauri::generate_context!())
}
