//! Another program that may not take longer than it should.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A program that waits for a driver which hangs does not end even when it is killed.
const DYING: Duration = Duration::from_secs(10);

pub enum Ending {
    Exited(ExitStatus),
    /// It was killed.
    TooLong,
}

/// Runs it to its end, or kills it.
///
/// # Errors
/// When it cannot be started or asked for its state.
pub fn run(command: &mut Command, limit: Duration) -> io::Result<Ending> {
    let mut child = command.spawn()?;
    if let Some(status) = ended(&mut child, limit)? {
        return Ok(Ending::Exited(status));
    }
    child.kill()?;
    ended(&mut child, DYING)?;
    Ok(Ending::TooLong)
}

fn ended(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let began = Instant::now();
    loop {
        let status = child.try_wait()?;
        if status.is_some() || began.elapsed() >= limit {
            return Ok(status);
        }
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ends_is_heard_and_who_hangs_is_killed() {
        let run = |script: &str, limit: Duration| run(Command::new("sh").args(["-c", script]), limit).unwrap();
        let long = Duration::from_secs(60);
        assert!(matches!(run("exit 3", long), Ending::Exited(status) if status.code() == Some(3)));
        assert!(matches!(run("kill -SEGV $$", long), Ending::Exited(status) if !status.success()));
        let began = Instant::now();
        assert!(matches!(run("exec sleep 60", Duration::from_millis(100)), Ending::TooLong));
        assert!(began.elapsed() < DYING);
    }
}
