//! The event channel: what the application tells, forwarded to the window.

use tauri::State;
use tauri::ipc::Channel;
use va_domain::Event;

use crate::library::Library;

/// Forwards events until the page that asked is gone.
#[tauri::command]
pub fn subscribe(library: State<'_, Library>, channel: Channel<Event>) {
    let events = library.app.subscribe();
    std::thread::Builder::new()
        .name("events".to_owned())
        .spawn(move || {
            for event in events.iter() {
                if channel.send(event).is_err() {
                    break;
                }
            }
        })
        .map_or_else(|error| tracing::error!("no thread for events: {error}"), drop);
}
