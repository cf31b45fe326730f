//! The log beside a world's file: what has changed since the file was written, a line for each save.
//!
//! Its first line names the file's generation, so that a log that a newer file has left behind is not taken for its own.
//! A line that is not whole was never heard of by anybody: its writer died in the middle, and the next one writes over it.
#![expect(
    clippy::disallowed_methods,
    reason = "the world on disk is an edge of the embedded AWS, apart from a plan's files"
)]

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Delta;
use super::file::{private, read_from};

/// The first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    /// The generation of the file that the log goes on from.
    after: String,
}

/// A log as far as this process knows it.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    after: String,
    /// The end of its last whole line; zero while it does not exist for this generation.
    end: u64,
}

impl Log {
    /// The log of a file of a generation, not read yet.
    pub(super) fn new(path: PathBuf, generation: String) -> Self {
        Self { path, after: generation, end: 0 }
    }

    /// How many bytes it has.
    pub(super) fn size(&self) -> u64 {
        self.end
    }

    /// What was saved since this process has last read it or written to it; `None` if it is not, or no longer, the log of
    /// this generation. Whoever knows that there was a save then has to read the file again.
    ///
    /// # Errors
    /// It cannot be read, or a whole line of it makes no sense.
    pub(super) fn news(&mut self) -> io::Result<Option<Vec<Delta>>> {
        let header = match first_line(&self.path)? {
            Some(line) => serde_json::from_slice::<Header>(&line).ok().map(|header| (header, line.len() as u64 + 1)),
            None => None,
        };
        let Some((_, length)) = header.filter(|(header, _)| header.after == self.after) else {
            return Ok(None);
        };
        let from = self.end.max(length);
        let bytes = read_from(&self.path, from)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let lines = bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let deltas = lines.map(serde_json::from_slice).collect::<Result<Vec<Delta>, _>>()?;
        self.end = from + whole as u64;
        Ok(Some(deltas))
    }

    /// Adds what has changed.
    pub(super) fn add(&mut self, delta: &Delta) -> io::Result<()> {
        let mut text = Vec::new();
        if self.end == 0 {
            serde_json::to_writer(&mut text, &Header { after: self.after.clone() })?;
            text.push(b'\n');
        }
        serde_json::to_writer(&mut text, delta)?;
        text.push(b'\n');
        let mut file = private().truncate(false).open(&self.path)?;
        // Behind the last whole line there may be the beginning of one whose writer has died.
        file.set_len(self.end)?;
        file.seek(SeekFrom::Start(self.end))?;
        file.write_all(&text)?;
        self.end += text.len() as u64;
        Ok(())
    }

    /// Empties a log that a newer file has made needless.
    pub(super) fn clear(path: &Path) -> io::Result<()> {
        private().truncate(true).open(path).map(drop)
    }
}

/// The first line, without its end; `None` if there is no file, or no whole line.
fn first_line(path: &Path) -> io::Result<Option<Vec<u8>>> {
    use std::io::{BufRead, BufReader, Read};
    /// More than any header has.
    const LONGEST: u64 = 4096;
    let file = match std::fs::OpenOptions::new().read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut line = Vec::new();
    BufReader::new(file.take(LONGEST)).read_until(b'\n', &mut line)?;
    Ok(if line.pop() == Some(b'\n') { Some(line) } else { None })
}
