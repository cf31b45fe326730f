//! A journal as it is read, line by line, also while it grows.

use std::io::{self, BufRead, Read as _};

use jiff::Timestamp;
use serde::Deserialize;

use super::line::{Closing, Header, VERSION};
use crate::event::{self, Record};
use crate::ids::NodeId;

/// The longest line that is taken for one, in bytes. An event of the largest stack has some hundred kilobytes.
const LONGEST: u64 = 16 * 1024 * 1024;

/// What stands in a line after the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Something that happened.
    Record(Record),
    /// That a node ended well, in a word of a later orch.
    DoneOtherwise {
        /// When.
        at: Timestamp,
        /// The node.
        node: NodeId,
    },
    /// That the process has ended by itself.
    Closing(Closing),
}

/// What of a journal could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// The last line has no end: it was being written, or its process was killed in the middle of it.
    pub torn: bool,
    /// Lines in between that are none, such as half a line from when the disk was full, or what a power cut has left.
    pub damaged: usize,
    /// Events of a later orch, or with a word of one.
    pub unknown: usize,
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is no first line yet.
    #[error("it is empty: nothing could be written, or its process was killed when it had just begun")]
    Empty,
    /// The first line is no header.
    #[error("its first line is no header of a journal: {0}")]
    NoHeader(serde_json::Error),
    /// A later orch has written it in a form that this one does not know.
    #[error(
        "it is of version {version}, written by orch {orch}, and this orch reads up to version {VERSION}: use that orch, or a later one"
    )]
    Newer {
        /// The version of the form.
        version: u32,
        /// The orch that has written it.
        orch: String,
    },
    /// The same of a single event.
    #[error(
        "line {line} is an event of version {version}, and this orch reads version {}: use a later one",
        event::VERSION
    )]
    NewerEvent {
        /// The line, counted from 1.
        line: usize,
        /// The version of the event.
        version: u32,
    },
}

/// As much of a header as there is in every version.
#[derive(Deserialize)]
struct AnyHeader {
    journal: u32,
    #[serde(default)]
    orch: String,
}

/// As much of an event as there is in every version.
#[derive(Deserialize)]
struct AnyEvent {
    version: u32,
    event: String,
    #[serde(default)]
    at: i64,
    #[serde(default)]
    node: Option<String>,
}

impl AnyEvent {
    /// The node that ended well by it, whatever it did.
    fn done(&self) -> Option<Entry> {
        let node = self.node.as_ref().filter(|_| self.event == "node_done")?.parse().ok()?;
        Some(Entry::DoneOtherwise { at: Timestamp::from_millisecond(self.at).ok()?, node })
    }
}

/// How far a line was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    /// There is none.
    Nothing,
    /// To its break.
    Whole,
    /// To the end of what is there, which is no break.
    Torn,
    /// It was passed over: it is longer than any that orch writes.
    TooLong,
}

/// The lines of a journal after its header, read one at a time.
#[derive(Debug)]
pub struct Entries<R> {
    header: Header,
    reader: R,
    line: usize,
    losses: Losses,
}

impl<R: BufRead> Entries<R> {
    /// Reads the header of a journal.
    ///
    /// # Errors
    /// It has none, or one of a later version.
    pub fn open(mut reader: R) -> Result<Self, Unreadable> {
        let mut first = Vec::new();
        if matches!(read_line(&mut reader, &mut first)?, Read::Nothing | Read::Torn) {
            return Err(Unreadable::Empty);
        }
        let any: AnyHeader = serde_json::from_slice(&first).map_err(Unreadable::NoHeader)?;
        if any.journal > VERSION {
            return Err(Unreadable::Newer { version: any.journal, orch: any.orch });
        }
        let header = serde_json::from_slice(&first).map_err(Unreadable::NoHeader)?;
        Ok(Self { header, reader, line: 1, losses: Losses::default() })
    }

    /// Which run it is.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What could not be read so far.
    pub const fn losses(&self) -> Losses {
        self.losses
    }

    /// The next line that can be read; `None` at the end of what is there.
    ///
    /// # Errors
    /// The file cannot be read, or what comes next is of a later version.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, Unreadable> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            match read_line(&mut self.reader, &mut bytes)? {
                Read::Nothing => return Ok(None),
                Read::Torn => {
                    self.losses.torn = true;
                    return Ok(None);
                }
                Read::TooLong => {
                    self.line += 1;
                    self.losses.damaged += 1;
                    continue;
                }
                Read::Whole => self.line += 1,
            }
            // Between two lines of which the first did not fit: nothing is missing here that is not counted as lost.
            if bytes == b"\n" {
                continue;
            }
            if let Ok(record) = serde_json::from_slice(&bytes) {
                return Ok(Some(Entry::Record(record)));
            }
            if let Ok(closing) = serde_json::from_slice(&bytes) {
                return Ok(Some(Entry::Closing(closing)));
            }
            match serde_json::from_slice::<AnyEvent>(&bytes) {
                Ok(AnyEvent { version, .. }) if version > event::VERSION => {
                    return Err(Unreadable::NewerEvent { line: self.line, version });
                }
                Ok(any) => {
                    self.losses.unknown += 1;
                    if let Some(done) = any.done() {
                        return Ok(Some(done));
                    }
                }
                Err(_) => self.losses.damaged += 1,
            }
        }
    }
}

/// Reads to the end of a line, or of what is there. Of one that is too long no more than the beginning is kept.
fn read_line(reader: &mut impl BufRead, into: &mut Vec<u8>) -> io::Result<Read> {
    let count = reader.by_ref().take(LONGEST).read_until(b'\n', into)?;
    if count == 0 {
        Ok(Read::Nothing)
    } else if into.ends_with(b"\n") {
        Ok(Read::Whole)
    } else if (count as u64) < LONGEST {
        Ok(Read::Torn)
    } else {
        skip_line(reader).map(|ends| if ends { Read::TooLong } else { Read::Torn })
    }
}

/// Passes over the rest of a line. Says whether it has an end.
fn skip_line(reader: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(false);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(buffer.len(), |at| at + 1);
        reader.consume(count);
        if end.is_some() {
            return Ok(true);
        }
    }
}
