//! Which sources of images the device keeps, and where.

use std::collections::HashMap;

use candle_core::Result;

use crate::images::{ImageJob, Wanted};

/// Sources are kept in stretches of this size.
const STRETCH_BYTES: u64 = 64 << 20;

/// The sources that were kept, first come first served, as long as there is budget. It changes speed, never a byte.
pub(crate) struct ImageStore {
    /// Not yet allocated.
    budget: u64,
    /// Of the stretch in use: from where, to where.
    free: [u64; 2],
    /// Address and length by number.
    kept: HashMap<u64, (u64, usize)>,
}

/// How the sources of a batch come to be where they are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Intake {
    pub wanted: Vec<Wanted>,
    pub copies: Vec<SourceCopy>,
    /// Of all that is wanted, one after the other.
    pub room_bytes: usize,
    /// Of those wanted that are not kept.
    pub passing_bytes: usize,
    /// Of each job.
    pub sources: Vec<Place>,
    /// Numbers that are kept from this batch on.
    fresh: Vec<u64>,
}

/// Where a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// At this address.
    Kept(u64),
    /// So far from the beginning of the memory for sources that pass.
    Passing(usize),
}

/// Neighbours in the room that become neighbours on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceCopy {
    /// In the room.
    pub from: usize,
    pub to: Place,
    pub bytes: usize,
}

impl ImageStore {
    pub fn new(budget: u64) -> Self {
        Self { budget, free: [0; 2], kept: HashMap::new() }
    }

    /// Decides for the jobs of a batch. `stretch` allocates so many bytes; where it cannot, nothing more is kept.
    pub fn take_in(&mut self, jobs: &[ImageJob], stretch: &mut dyn FnMut(u64) -> Result<u64>) -> Intake {
        let mut intake = Intake::default();
        for (place, job) in jobs.iter().enumerate() {
            let known = job.number.and_then(|number| self.kept.get(&number));
            if let Some(&(address, _)) = known.filter(|(_, bytes)| *bytes == job.bytes()) {
                intake.sources.push(Place::Kept(address));
                continue;
            }
            let address = job.number.and_then(|number| self.keep(number, job.bytes(), stretch));
            let to = address.map_or(Place::Passing(intake.passing_bytes), Place::Kept);
            match address {
                Some(_) => intake.fresh.extend(job.number),
                None => intake.passing_bytes += job.bytes(),
            }
            intake.want(place, to, job.bytes());
        }
        intake
    }

    fn keep(&mut self, number: u64, bytes: usize, stretch: &mut dyn FnMut(u64) -> Result<u64>) -> Option<u64> {
        let room = bytes as u64;
        if self.free[1] - self.free[0] < room {
            let whole = STRETCH_BYTES.max(room).min(self.budget);
            if whole < room {
                return None;
            }
            let Ok(address) = stretch(whole) else {
                self.budget = 0;
                return None;
            };
            self.budget -= whole;
            self.free = [address, address + whole];
        }
        let address = self.free[0];
        self.free[0] += room;
        self.kept.insert(number, (address, bytes));
        Some(address)
    }

    /// Nothing is kept any more.
    #[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "only a card has something to give up"))]
    pub fn give_up(&mut self) {
        *self = Self::new(0);
    }

    /// The sources of this batch did not come.
    pub fn forget(&mut self, intake: &Intake) {
        for number in &intake.fresh {
            self.kept.remove(number);
        }
    }
}

impl Intake {
    fn want(&mut self, place: usize, to: Place, bytes: usize) {
        self.sources.push(to);
        self.wanted.push((place, matches!(to, Place::Kept(_))));
        let from = self.room_bytes;
        self.room_bytes += bytes;
        let follows = |last: &SourceCopy| match (last.to, to) {
            (Place::Kept(a), Place::Kept(b)) => a + last.bytes as u64 == b,
            (Place::Passing(a), Place::Passing(b)) => a + last.bytes == b,
            _ => false,
        };
        match self.copies.last_mut().filter(|last| last.from + last.bytes == from && follows(last)) {
            Some(last) => last.bytes += bytes,
            None => self.copies.push(SourceCopy { from, to, bytes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::augment_tests::whole;

    /// Stretches at addresses far from each other, as long as there are some.
    fn stretches(most: u64) -> impl FnMut(u64) -> Result<u64> {
        let mut given = 0;
        move |_| {
            given += 1;
            if given > most { candle_core::bail!("no memory") } else { Ok(given << 40) }
        }
    }

    fn numbered(numbers: &[u64]) -> Vec<ImageJob> {
        numbers.iter().map(|&number| ImageJob { number: Some(number), ..whole(4, 4) }).collect()
    }

    #[test]
    fn a_source_is_wanted_once_and_found_afterwards() {
        let mut store = ImageStore::new(1 << 20);
        let first = store.take_in(&numbered(&[3, 7, 3]), &mut stretches(1));
        assert_eq!(first.wanted, [(0, true), (1, true)]);
        assert_eq!((first.room_bytes, first.passing_bytes), (96, 0));
        assert_eq!(first.sources[0], first.sources[2]);
        let copy = SourceCopy { from: 0, to: Place::Kept(1 << 40), bytes: 96 };
        assert_eq!(first.copies, [copy], "neighbours are one copy");
        let second = store.take_in(&numbered(&[7, 9]), &mut stretches(0));
        assert_eq!((second.wanted.as_slice(), second.sources[0]), (&[(1, true)][..], first.sources[1]));
    }

    #[test]
    fn what_did_not_come_is_wanted_again() {
        let mut store = ImageStore::new(1 << 20);
        let lost = store.take_in(&numbered(&[1, 2]), &mut stretches(1));
        store.forget(&lost);
        assert_eq!(store.take_in(&numbered(&[2]), &mut stretches(0)).wanted, [(0, true)]);
    }

    #[test]
    fn what_was_given_up_is_wanted_again_and_never_kept() {
        let mut store = ImageStore::new(1 << 20);
        store.take_in(&numbered(&[1, 2]), &mut stretches(1));
        store.give_up();
        for _ in 0..2 {
            let intake = store.take_in(&numbered(&[2]), &mut stretches(9));
            assert_eq!((intake.wanted, intake.sources), (vec![(0, false)], vec![Place::Passing(0)]));
        }
    }

    #[test]
    fn beyond_the_budget_or_without_memory_or_number_sources_pass() {
        let mut small = ImageStore::new(100);
        let intake = small.take_in(&numbered(&[1, 2, 3, 4]), &mut stretches(9));
        assert_eq!(intake.wanted, [(0, true), (1, true), (2, false), (3, false)]);
        assert_eq!((intake.room_bytes, intake.passing_bytes), (192, 96));
        assert_eq!(intake.copies.len(), 2);
        assert_eq!(intake.sources[3], Place::Passing(48));
        let again = small.take_in(&numbered(&[3, 1]), &mut stretches(9));
        assert_eq!(again.wanted, [(0, false)]);

        let mut full = ImageStore::new(1 << 30);
        assert_eq!(full.take_in(&numbered(&[1, 2]), &mut stretches(0)).wanted, [(0, false), (1, false)]);
        let nameless = [whole(4, 4), whole(4, 4)];
        let intake = ImageStore::new(1 << 20).take_in(&nameless, &mut stretches(9));
        assert_eq!(intake.sources, [Place::Passing(0), Place::Passing(48)]);
    }
}
