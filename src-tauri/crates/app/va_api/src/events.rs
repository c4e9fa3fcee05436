//! Events of a library, whoever owns it.

use std::ops::Deref;

use crossbeam_channel::Receiver;
use va_app::Subscription;
use va_domain::Event;

/// What changes from now on: reads like the [`Receiver`] it holds. It ends when the owner closes.
#[derive(Debug)]
pub enum Events {
    /// From this process's own bus; dropping it ends the subscription.
    Own(Subscription),
    /// From the owner, over the socket.
    Forwarded(Receiver<Event>),
}

impl Deref for Events {
    type Target = Receiver<Event>;

    fn deref(&self) -> &Receiver<Event> {
        match self {
            Self::Own(subscription) => subscription,
            Self::Forwarded(receiver) => receiver,
        }
    }
}
