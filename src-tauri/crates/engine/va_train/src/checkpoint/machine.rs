use serde::{Deserialize, Serialize};
use va_exec::{Backend, Network, computed_by};

/// What computed: with the same of all this a resumed run ends with the same bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub(crate) struct Machine {
    pub engine_version: String,
    /// `onednn`, `reference` or `cuda`.
    pub backend: String,
    pub threads: usize,
    /// As `va_exec::computed_by` names it.
    pub instruction_set: String,
}

/// How it lies in a checkpoint; before the parts were kept apart it was one text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Parts { engine_version: String, backend: String, threads: usize, instruction_set: String },
    Words(String),
}

impl From<Stored> for Machine {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Parts { engine_version, backend, threads, instruction_set } => {
                Self { engine_version, backend, threads, instruction_set }
            }
            Stored::Words(engine_version) => {
                Self { engine_version, backend: String::new(), threads: 0, instruction_set: String::new() }
            }
        }
    }
}

impl Machine {
    /// This machine, running this network.
    pub fn here(net: &Network, engine_version: &str) -> Self {
        let (threads, instruction_set) = computed_by(net.backend());
        Self {
            engine_version: engine_version.to_owned(),
            backend: net.backend().name().to_owned(),
            threads,
            instruction_set,
        }
    }

    /// Why a run that began on `self` will not end with the same bits on `now`; empty when it will.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut tell = |differs: bool, what: &str, before: &str, now: &str| {
            if differs && !before.is_empty() {
                found.push(format!("{what}: {before} then, {now} now"));
            }
        };
        tell(self.engine_version != now.engine_version, "engine", &self.engine_version, &now.engine_version);
        tell(self.backend != now.backend, "kernels", &self.backend, &now.backend);
        tell(self.instruction_set != now.instruction_set, "instructions", &self.instruction_set, &now.instruction_set);
        // The reference kernels cut work by shape alone.
        let threads_matter = now.backend != Backend::Reference.name() && self.threads > 0;
        let (before, after) = (self.threads.to_string(), now.threads.to_string());
        tell(threads_matter && self.threads != now.threads, "threads", &before, &after);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(backend: Backend, threads: usize) -> Machine {
        Machine {
            engine_version: "1".to_owned(),
            backend: backend.name().to_owned(),
            threads,
            instruction_set: "x86_64 avx2".to_owned(),
        }
    }

    #[test]
    fn what_differs_is_named_and_threads_count_where_they_change_bits() {
        let before = machine(Backend::OneDnn, 4);
        assert_eq!(before.differences(&before), Vec::<String>::new());
        assert_eq!(before.differences(&machine(Backend::OneDnn, 2)), ["threads: 4 then, 2 now"]);
        let reference = machine(Backend::Reference, 4);
        assert_eq!(reference.differences(&machine(Backend::Reference, 2)), Vec::<String>::new());
        assert_eq!(reference.differences(&before), ["kernels: reference then, onednn now"]);
        let wider = Machine { instruction_set: "x86_64 avx512_core".to_owned(), ..before.clone() };
        assert_eq!(before.differences(&wider), ["instructions: x86_64 avx2 then, x86_64 avx512_core now"]);
    }

    #[test]
    fn a_text_of_an_earlier_version_is_another_engine() {
        let now = machine(Backend::OneDnn, 4);
        let parts: Machine = serde_json::from_str(&serde_json::to_string(&now).unwrap()).unwrap();
        assert_eq!(parts, now);
        let old: Machine = serde_json::from_str("\"0.1 cpu, x86_64+avx2\"").unwrap();
        assert_eq!(old.differences(&now), ["engine: 0.1 cpu, x86_64+avx2 then, 1 now"]);
    }
}
