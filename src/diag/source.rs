//! The texts that problems point into.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// One text, by its place in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(u32);

/// A range of bytes in one text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The text.
    pub file: FileId,
    /// Byte offsets into it, on character boundaries.
    pub range: Range<usize>,
}

impl Span {
    /// The range `range` of `file`.
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        Self { file, range }
    }

    /// The very start of `file`, for problems of the file as a whole.
    pub fn start_of(file: FileId) -> Self {
        Self { file, range: 0..0 }
    }
}

/// One text that was read, with the path to show for it.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as the user would write it.
    pub path: PathBuf,
    /// The whole text.
    pub text: Arc<str>,
    /// Where each line begins, once anybody has asked for a line: thousands of problems in one file ask.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    /// The line and the column of a byte offset, both counted from one, the column in characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let starts = self.lines.get_or_init(|| {
            let after = |(at, byte): (usize, u8)| (byte == b'\n').then_some(at + 1);
            std::iter::once(0).chain(self.text.bytes().enumerate().filter_map(after)).collect()
        });
        let line = starts.partition_point(|start| *start <= offset);
        (line, self.text[starts[line - 1]..offset].chars().count() + 1)
    }
}

/// The line and the column of a byte offset in a text, both counted from one, the column in characters.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

/// Every text that was read for a plan, so that a [`Span`] needs no lifetime.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Keeps a text and gives the id that spans into it carry.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> FileId {
        self.0.push(Source { path: path.into(), text: text.into(), lines: OnceLock::new() });
        FileId(u32::try_from(self.0.len() - 1).expect("fewer than four billion files"))
    }

    /// The text behind an id that [`Sources::add`] gave.
    pub fn get(&self, file: FileId) -> &Source {
        &self.0[file.0 as usize]
    }

    /// The text that a span covers.
    pub fn slice(&self, span: &Span) -> &str {
        &self.get(span.file).text[span.range.clone()]
    }

    /// `path:line:column` of where a span begins.
    pub fn place(&self, span: &Span) -> String {
        let source = self.get(span.file);
        let (line, column) = source.position(span.range.start);
        format!("{}:{line}:{column}", source.path.display())
    }

    /// The id of a path that was added before.
    pub fn find(&self, path: &Path) -> Option<FileId> {
        self.0.iter().position(|source| source.path == path).map(|index| FileId(index as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let mut sources = Sources::default();
        let file = sources.add("a.toml", "é = 1\nname = 2\n");
        assert_eq!(sources.get(file).position(0), (1, 1));
        assert_eq!(sources.get(file).position(3), (1, 3));
        assert_eq!(sources.place(&Span::new(file, 7..11)), "a.toml:2:1");
        assert_eq!(sources.slice(&Span::new(file, 7..11)), "name");
    }

    #[test]
    fn the_lines_of_a_file_are_looked_for_once() {
        let mut sources = Sources::default();
        let text = "é = 1\r\n\nname = 2\n".repeat(50) + "last";
        let file = sources.add("a.toml", text.as_str());
        let source = sources.get(file);
        assert!(source.lines.get().is_none(), "a file without problems is not looked through");
        let mut index = None;
        for (offset, _) in text.char_indices().chain([(text.len(), ' '), (text.len() + 9, ' ')]) {
            assert_eq!(source.position(offset), position(&text, offset), "{offset}");
            let found = source.lines.get().map(Vec::as_ptr);
            assert_eq!(*index.get_or_insert(found), found, "the index is made once");
        }
        assert_eq!(source.lines.get().map(Vec::len), Some(151));
    }
}
