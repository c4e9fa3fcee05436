//! Events to everyone who looks. Every queue is bounded: whoever is too slow loses what it has not read and is told to
//! refresh everything, instead of slowing the application down.

use std::ops::Deref;
use std::sync::{Arc, Weak};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use parking_lot::Mutex;
use va_domain::Event;

/// Events a subscriber may leave unread.
const CAPACITY: usize = 1024;

/// One listener. Reads like the [`Receiver`] it holds; dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription {
    receiver: Receiver<Event>,
    _alive: Arc<()>,
}

impl Deref for Subscription {
    type Target = Receiver<Event>;

    fn deref(&self) -> &Receiver<Event> {
        &self.receiver
    }
}

struct Listener {
    sender: Sender<Event>,
    /// Empties the queue of a listener that does not keep up.
    unread: Receiver<Event>,
    alive: Weak<()>,
}

#[derive(Default)]
pub(crate) struct EventBus {
    listeners: Mutex<Vec<Listener>>,
}

impl EventBus {
    pub(crate) fn subscribe(&self) -> Subscription {
        let (sender, receiver) = bounded(CAPACITY);
        let alive = Arc::new(());
        let listener = Listener { sender, unread: receiver.clone(), alive: Arc::downgrade(&alive) };
        self.listeners.lock().push(listener);
        Subscription { receiver, _alive: alive }
    }

    pub(crate) fn subscriber_count(&self) -> usize {
        let mut listeners = self.listeners.lock();
        listeners.retain(|listener| listener.alive.strong_count() > 0);
        listeners.len()
    }

    /// Never waits.
    pub(crate) fn emit(&self, event: &Event) {
        let mut listeners = self.listeners.lock();
        listeners.retain(|listener| listener.alive.strong_count() > 0);
        for listener in listeners.iter() {
            if let Err(TrySendError::Full(event)) = listener.sender.try_send(event.clone()) {
                while listener.unread.try_recv().is_ok() {}
                // Only this thread sends (the lock is held), so there is room now.
                drop(listener.sender.try_send(Event::Lagged));
                drop(listener.sender.try_send(event));
            }
        }
    }

    /// Ends every subscription's stream.
    pub(crate) fn close(&self) {
        self.listeners.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use va_domain::Entity;

    fn changed() -> Event {
        Event::Changed { entity: Entity::Project, ids: Vec::new(), dataset_id: None }
    }

    #[test]
    fn everyone_gets_every_event_in_order() {
        let bus = EventBus::default();
        let (a, b) = (bus.subscribe(), bus.subscribe());
        bus.emit(&changed());
        bus.emit(&Event::Lagged);
        for listener in [&a, &b] {
            assert_eq!(listener.try_iter().collect::<Vec<_>>(), vec![changed(), Event::Lagged]);
        }
    }

    #[test]
    fn a_slow_listener_is_told_to_refresh_and_costs_nobody_else() {
        let bus = EventBus::default();
        let (slow, quick) = (bus.subscribe(), bus.subscribe());
        let mut seen = 0;
        for _ in 0..=CAPACITY {
            bus.emit(&changed());
            seen += quick.try_iter().count();
        }
        assert_eq!(seen, CAPACITY + 1);
        assert_eq!(slow.try_iter().collect::<Vec<_>>(), vec![Event::Lagged, changed()]);
    }

    #[test]
    fn a_dropped_subscription_is_forgotten() {
        let bus = EventBus::default();
        let first = bus.subscribe();
        drop(bus.subscribe());
        assert_eq!(bus.subscriber_count(), 1);
        drop(first);
        assert_eq!(bus.subscriber_count(), 0);
    }

    #[test]
    fn closing_ends_the_streams() {
        let bus = EventBus::default();
        let listener = bus.subscribe();
        bus.close();
        assert!(listener.recv().is_err());
    }
}
