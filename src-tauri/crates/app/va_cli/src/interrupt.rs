//! Ctrl-C: the first asks politely, the second ends at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use va_error::{Context as _, Result};

static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Whether the user asked to stop.
pub fn asked() -> bool {
    ASKED.load(Ordering::Acquire) > 0
}

/// Listens for Ctrl-C and termination from now on.
///
/// # Errors
/// `Io` when no thread can be started.
pub fn listen() -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot listen for Ctrl-C")?;
    std::thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                while signal().await.is_ok() {
                    if ASKED.fetch_add(1, Ordering::AcqRel) > 0 {
                        // What is confirmed is saved, so an abrupt end loses nothing.
                        std::process::exit(130);
                    }
                }
            });
        })
        .context("cannot listen for Ctrl-C")?;
    Ok(())
}

/// Ctrl-C, or termination by the system.
///
/// # Errors
/// `Io` when the system does not let us listen.
pub async fn signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            outcome = tokio::signal::ctrl_c() => outcome,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
