//! How a running job learns that it should stop.

use std::sync::atomic::{AtomicU8, Ordering};

/// What a work is asked to do at its next safe place. Closing the application looks like `Pause` to a work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    Continue,
    /// Keep what is confirmed, write a checkpoint, and return `Code::Cancelled`.
    Pause,
    /// Tidy up and return `Code::Cancelled`.
    Cancel,
}

/// Why a stop was asked, which decides the state afterwards. Ordered: a stronger reason replaces a weaker one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Reason {
    None = 0,
    /// The library is being closed: the job goes back into the queue.
    Close = 1,
    Pause = 2,
    Cancel = 3,
}

/// Shared between who asks and the thread that works.
#[derive(Debug, Default)]
pub(crate) struct StopToken(AtomicU8);

impl StopToken {
    pub fn ask(&self, reason: Reason) {
        self.0.fetch_max(reason as u8, Ordering::SeqCst);
    }

    pub fn reason(&self) -> Reason {
        match self.0.load(Ordering::SeqCst) {
            0 => Reason::None,
            1 => Reason::Close,
            2 => Reason::Pause,
            _ => Reason::Cancel,
        }
    }

    pub fn stop(&self) -> Stop {
        match self.reason() {
            Reason::None => Stop::Continue,
            Reason::Close | Reason::Pause => Stop::Pause,
            Reason::Cancel => Stop::Cancel,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancel_wins_over_pause_and_pause_over_close() {
        let token = StopToken::default();
        assert_eq!(token.stop(), Stop::Continue);
        token.ask(Reason::Close);
        assert_eq!((token.reason(), token.stop()), (Reason::Close, Stop::Pause));
        token.ask(Reason::Cancel);
        token.ask(Reason::Pause);
        assert_eq!((token.reason(), token.stop()), (Reason::Cancel, Stop::Cancel));
    }
}
