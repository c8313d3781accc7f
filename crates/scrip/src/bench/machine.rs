//! What this process uses of the machine, and what a folder takes of its disk, as Linux tells it; elsewhere nothing is told.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Clock ticks in a second, in which Linux tells of processor time: 100 on every architecture that it runs on today.
const TICKS: u64 = 100;

/// What was used; `None` where the machine does not say.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Used {
    /// Processor time, in microseconds: all threads', load generator and all.
    pub(crate) processor_us: Option<u64>,
    /// Bytes sent towards the disk.
    pub(crate) written: Option<u64>,
    /// Memory that is there now, in KiB.
    pub(crate) memory_kib: Option<u64>,
    /// The most that it was, in KiB.
    pub(crate) memory_most_kib: Option<u64>,
}

impl Used {
    /// By this process, since it began.
    pub(crate) fn by_now() -> Used {
        Used {
            processor_us: told("stat").as_deref().and_then(processor_us),
            written: told("io").as_deref().and_then(|io| number(io, "write_bytes:")),
            memory_kib: told("status").as_deref().and_then(|status| number(status, "VmRSS:")),
            memory_most_kib: told("status").as_deref().and_then(|status| number(status, "VmHWM:")),
        }
    }

    /// Since then; memory is what it is now.
    pub(crate) fn since(self, before: &Used) -> Used {
        let less = |now: Option<u64>, then: Option<u64>| now.zip(then).map(|(now, then)| now.saturating_sub(then));
        Used {
            processor_us: less(self.processor_us, before.processor_us),
            written: less(self.written, before.written),
            ..self
        }
    }
}

fn told(name: &str) -> Option<String> {
    std::fs::read_to_string(Path::new("/proc/self").join(name)).ok()
}

/// The number behind a name.
fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and system time: the 14th and 15th field (proc(5)); the second is a name in parentheses, which may hold spaces.
fn processor_us(stat: &str) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) * 1_000_000 / TICKS)
}

/// Files that this process may have open at once; `None` where the machine does not say.
pub(crate) fn open_files() -> Option<u64> {
    let limits = told("limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Bytes of all files in a folder and in the folders in it.
pub(crate) fn size_of(folder: &Path) -> Result<u64, Failure> {
    let failed = |error: std::io::Error| Failure::of_path(folder, &error);
    let mut size = 0;
    for file in std::fs::read_dir(folder).map_err(failed)? {
        let file = file.map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        size += if about.is_dir() { size_of(&file.path())? } else { about.len() };
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_tells_is_read() {
        let stat = "7 (a (name) 1 2) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 100 1 2";
        assert_eq!(processor_us(stat), Some(3_000_000));
        assert_eq!(processor_us("7 (cut"), None);
        assert_eq!(number("VmPeak:\t 9 kB\nVmRSS:\t 1234 kB\n", "VmRSS:"), Some(1_234));
        assert_eq!(number("VmPeak:\t 9 kB\n", "VmRSS:"), None);
    }
}
