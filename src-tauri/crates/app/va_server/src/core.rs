//! What every route works with.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use va_api::App;
use va_domain::{Actor, Origin, Role};
use va_error::{Error, Result};

use crate::auth::{Account, Lifetimes, Sessions};
use crate::idempotency::Idempotency;
use crate::rate::{Rate, RateLimit};

/// Sizes and rates that protect the machine.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A JSON body.
    pub body_bytes: usize,
    /// All files of one upload together.
    pub upload_bytes: u64,
    /// One file of an upload.
    pub file_bytes: u64,
    /// Files of one upload.
    pub upload_files: u64,
    /// Requests of one session.
    pub requests: Rate,
    /// Attempts to sign in, of everyone together.
    pub sign_ins: Rate,
    /// Event streams open at once.
    pub streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            upload_bytes: 8 << 30,
            file_bytes: 512 << 20,
            upload_files: 200_000,
            // A gallery that is scrolled asks for hundreds of thumbnails a second.
            requests: Rate { burst: 4000.0, per_second: 1000.0 },
            sign_ins: Rate { burst: 10.0, per_second: 0.2 },
            streams: 32,
        }
    }
}

/// The state of the running service; cheap to clone.
#[derive(Clone)]
pub(crate) struct Core(Arc<Inner>);

pub(crate) struct Inner {
    pub app: App,
    pub port: u16,
    pub limits: Limits,
    pub account: Account,
    pub sessions: Sessions,
    pub requests: RateLimit,
    pub sign_ins: RateLimit,
    pub idempotency: Idempotency,
    pub streams: Arc<tokio::sync::Semaphore>,
    pub ui: Option<PathBuf>,
    /// Becomes true when the service stops; open streams end then.
    pub stopping: watch::Sender<bool>,
}

impl std::ops::Deref for Core {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Core {
    pub fn new(
        app: App,
        port: u16,
        account: Account,
        lifetimes: Lifetimes,
        limits: Limits,
        ui: Option<PathBuf>,
    ) -> Self {
        Self(Arc::new(Inner {
            app,
            port,
            limits,
            account,
            sessions: Sessions::new(lifetimes),
            requests: RateLimit::new(limits.requests),
            sign_ins: RateLimit::new(limits.sign_ins),
            idempotency: Idempotency::default(),
            streams: Arc::new(tokio::sync::Semaphore::new(limits.streams)),
            ui,
            stopping: watch::Sender::new(false),
        }))
    }

    /// Who the one account is.
    pub fn actor(&self) -> Actor {
        Actor { name: self.account.username.clone(), role: Role::Owner, origin: Origin::Http }
    }

    /// Runs blocking work off the event loop.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&App) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let core = self.clone();
        let outcome = tokio::task::spawn_blocking(move || work(&core.app)).await;
        outcome.unwrap_or_else(|error| Err(Error::internal(format!("BUG: a request panicked: {error}"))))
    }

    /// The address of the user interface.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// The address with a one-time code that signs the browser in. The code stands in the fragment, which browsers
    /// neither send nor pass on.
    pub fn url_with_code(&self) -> Result<String> {
        Ok(format!("{}#code={}", self.url(), self.sessions.code()?))
    }
}
