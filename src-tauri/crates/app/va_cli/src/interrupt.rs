//! Ctrl-C: the first asks politely, the second ends at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use va_error::{Code, Context as _, Error, Result};

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
    let mut signals = {
        let _inside = runtime.enter();
        Signals::new()?
    };
    std::thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                loop {
                    signals.next().await;
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

/// Ctrl-C, and termination by the system. They are caught from the moment this is made.
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    /// Must be called inside a runtime.
    ///
    /// # Errors
    /// `Io` when the system does not let us listen.
    pub fn new() -> Result<Self> {
        #[cfg(unix)]
        let made = {
            use tokio::signal::unix::{SignalKind, signal};
            let listen = || {
                Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
            };
            listen()
        };
        #[cfg(windows)]
        let made = tokio::signal::windows::ctrl_c().map(|interrupt| Self { interrupt });
        made.map_err(|error: std::io::Error| Error::new(Code::Io, "cannot listen for Ctrl-C").with_source(error))
    }

    /// Waits for the next one; never ends when the system sends no more.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            Some(()) = self.interrupt.recv() => {}
            Some(()) = self.terminate.recv() => {}
            else => std::future::pending().await,
        }
        #[cfg(windows)]
        if self.interrupt.recv().await.is_none() {
            std::future::pending().await
        }
    }
}
