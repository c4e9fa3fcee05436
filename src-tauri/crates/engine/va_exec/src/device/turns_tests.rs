//! Batches through two slots on queues that do their work at the worst moment: every batch that the network reads must be its
//! own, and must not be where a single wait is left out.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::rc::Rc;

use super::*;

const SLOTS: usize = 2;
const BATCHES: usize = 12;
/// Schedules that are tried.
const SEEDS: u64 = 200;

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// A queue does not wait.
    Wait(Queue),
    /// The host does not wait.
    Finish,
}

/// How often a mark was set by the host, and how often it was reached.
#[derive(Default)]
struct Mark {
    set: Cell<usize>,
    reached: Rc<Cell<usize>>,
}

enum Work {
    Reach(Rc<Cell<usize>>, usize),
    /// Goes on when the mark was reached so often.
    Wait(Rc<Cell<usize>>, usize),
    Do(Box<dyn FnOnce()>),
}

/// Two queues that are asked now and work when the seed says.
struct Worst {
    fault: Fault,
    seed: Cell<u64>,
    queues: RefCell<[VecDeque<Work>; 2]>,
}

impl Worst {
    fn new(fault: Fault, seed: u64) -> Self {
        Self { fault, seed: Cell::new(seed), queues: RefCell::default() }
    }

    fn ask(&self, queue: Queue, work: Work) {
        self.queues.borrow_mut()[queue as usize].push_back(work);
    }

    /// The next thing of a queue, where it need not wait.
    fn step(&self, queue: usize) -> bool {
        let work = {
            let queue = &mut self.queues.borrow_mut()[queue];
            if let Some(Work::Wait(reached, set)) = queue.front()
                && reached.get() < *set
            {
                return false;
            }
            queue.pop_front()
        };
        match work {
            Some(Work::Reach(reached, set)) => reached.set(set),
            Some(Work::Do(work)) => work(),
            Some(Work::Wait(..)) => {}
            None => return false,
        }
        true
    }

    fn draw(&self) -> u64 {
        self.seed.set(self.seed.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        self.seed.get() >> 33
    }

    /// Time goes by: either queue does some of its work, none of it, or all that it can.
    fn time(&self) {
        for queue in [self.draw() as usize % 2, self.draw() as usize % 2] {
            let most = [0, 1, 3, usize::MAX][self.draw() as usize % 4];
            (0..most).take_while(|_| self.step(queue)).count();
        }
    }

    fn end(&self) {
        while self.step(0) || self.step(1) {}
        assert!(self.queues.borrow().iter().all(VecDeque::is_empty), "the queues wait for each other");
    }
}

impl Queues for Worst {
    type Mark = Mark;
    type Error = Infallible;

    fn set(&self, queue: Queue, mark: &Mark) -> Result<(), Infallible> {
        mark.set.set(mark.set.get() + 1);
        self.ask(queue, Work::Reach(Rc::clone(&mark.reached), mark.set.get()));
        Ok(())
    }

    fn wait(&self, queue: Queue, mark: &Mark) -> Result<(), Infallible> {
        if self.fault != Fault::Wait(queue) {
            self.ask(queue, Work::Wait(Rc::clone(&mark.reached), mark.set.get()));
        }
        Ok(())
    }

    fn finish(&self, mark: &Mark) -> Result<(), Infallible> {
        while self.fault != Fault::Finish && mark.reached.get() < mark.set.get() {
            assert!(self.step(1) || self.step(0), "nobody will reach the mark");
        }
        Ok(())
    }
}

/// Memory with the number of the batch that was written last.
type Place = Rc<Cell<usize>>;

struct Slot {
    turns: Turns<Mark>,
    room: Place,
    sources: Place,
    images: Place,
}

impl Slot {
    fn new() -> Self {
        let (room, sources, images) = Default::default();
        Self { turns: Turns::new(Default::default()), room, sources, images }
    }

    fn begin(&self, queues: &Worst, batch: usize) {
        let copy = |from: &Place, to: &Place| {
            let (from, to) = (Rc::clone(from), Rc::clone(to));
            queues.ask(Queue::Images, Work::Do(Box::new(move || to.set(from.get()))));
        };
        let done = self.turns.write(queues, || {
            self.turns.fill(queues, || {
                self.room.set(batch);
                queues.time();
                copy(&self.room, &self.sources);
                Ok(())
            })?;
            queues.time();
            copy(&self.sources, &self.images);
            Ok(())
        });
        let Ok(()) = done;
    }

    fn input(&self, queues: &Worst, found: &Rc<RefCell<Vec<usize>>>) {
        let (images, found) = (Rc::clone(&self.images), Rc::clone(found));
        let Ok(()) = self.turns.read(queues, || {
            queues.ask(Queue::Network, Work::Do(Box::new(move || found.borrow_mut().push(images.get()))));
            Ok(())
        });
    }
}

/// As a run does it: a batch is read, some of them twice in halves, then the next one is begun in the other slot.
fn batches_are_right(fault: Fault, seed: u64) -> bool {
    let queues = Worst::new(fault, seed);
    let slots: [Slot; SLOTS] = std::array::from_fn(|_| Slot::new());
    let found = Rc::new(RefCell::new(Vec::new()));
    let mut expected = Vec::new();
    slots[0].begin(&queues, 1);
    for batch in 1..=BATCHES {
        let slot = |batch: usize| &slots[(batch - 1) % SLOTS];
        for _ in 0..1 + batch % 2 {
            queues.time();
            slot(batch).input(&queues, &found);
            expected.push(batch);
        }
        queues.time();
        slot(batch + 1).begin(&queues, batch + 1);
    }
    queues.end();
    *found.borrow() == expected
}

#[test]
fn every_batch_that_is_read_is_its_own_whenever_the_queues_work() {
    assert!((0..SEEDS).all(|seed| batches_are_right(Fault::None, seed)));
}

#[test]
fn no_wait_can_be_left_out() {
    for fault in [Fault::Wait(Queue::Network), Fault::Wait(Queue::Images), Fault::Finish] {
        let wrong = (0..SEEDS).filter(|&seed| !batches_are_right(fault, seed)).count();
        assert!(wrong > 10, "{fault:?}: {wrong} of {SEEDS} schedules show it");
    }
}
