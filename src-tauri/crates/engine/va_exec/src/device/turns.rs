//! Who may touch a slot of prepared images when, across two queues of work that know nothing of each other.
//!
//! On one queue the network computes, on the other images are made. What they share of a slot has three users: the queue that
//! makes images writes them, the network's reads them, and the host fills a room that is copied from. Each of them works
//! inside a turn, which waits for the one before it and is marked when it was asked for.

/// A queue of work on a device: what is asked of it is done later, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    Network,
    Images,
}

/// Marks between queues. All calls come from one thread, so a wait means the mark as it was set last; one that was never set
/// is passed at once.
pub(crate) trait Queues {
    type Mark;
    type Error;

    /// Marks the end of all that was asked of `queue` so far.
    fn set(&self, queue: Queue, mark: &Self::Mark) -> Result<(), Self::Error>;

    /// What is asked of `queue` from now on is done behind the mark.
    fn wait(&self, queue: Queue, mark: &Self::Mark) -> Result<(), Self::Error>;

    /// The host waits until the mark is reached.
    fn finish(&self, mark: &Self::Mark) -> Result<(), Self::Error>;
}

/// The turns of one slot.
pub(crate) struct Turns<M> {
    /// After its images were made.
    ready: M,
    /// After the network read them.
    read: M,
    /// After the room was copied from.
    copied: M,
}

impl<M> Turns<M> {
    pub fn new(marks: [M; 3]) -> Self {
        let [ready, read, copied] = marks;
        Self { ready, read, copied }
    }

    /// `work` asks the queue of images to write the slot anew, behind all that the network was asked to read of it.
    ///
    /// # Errors
    /// What the queues or `work` say; the slot has no images then.
    pub fn write<Q: Queues<Mark = M>>(
        &self,
        queues: &Q,
        work: impl FnOnce() -> Result<(), Q::Error>,
    ) -> Result<(), Q::Error> {
        queues.wait(Queue::Images, &self.read)?;
        work()?;
        queues.set(Queue::Images, &self.ready)
    }

    /// `work` asks the network's queue to read the slot, behind the making of its images.
    ///
    /// # Errors
    /// What the queues or `work` say.
    pub fn read<Q: Queues<Mark = M>, T>(
        &self,
        queues: &Q,
        work: impl FnOnce() -> Result<T, Q::Error>,
    ) -> Result<T, Q::Error> {
        queues.wait(Queue::Network, &self.ready)?;
        let done = work();
        // Also where it failed: a part of it may have been asked for.
        let marked = queues.set(Queue::Network, &self.read);
        done.and_then(|done| marked.map(|()| done))
    }

    /// Inside a [`Turns::write`]: `work` writes the host's room and asks the queue of images to copy from it, when all that
    /// was copied from it before is there.
    ///
    /// # Errors
    /// What the queues or `work` say.
    pub fn fill<Q: Queues<Mark = M>>(
        &self,
        queues: &Q,
        work: impl FnOnce() -> Result<(), Q::Error>,
    ) -> Result<(), Q::Error> {
        queues.finish(&self.copied)?;
        let done = work();
        // Also where it failed, as in `read`.
        let marked = queues.set(Queue::Images, &self.copied);
        done.and(marked)
    }
}

#[cfg(test)]
#[path = "turns_tests.rs"]
mod tests;
