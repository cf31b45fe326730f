//! Where texts come from.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::diag::position;

/// Reads files. The command line gives the disk, tests give a map.
pub trait Files {
    /// The whole file.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The whole of a file that a plan names. The plan may be a stranger's, so not every file is for it to read.
    ///
    /// # Errors
    ///
    /// The same; and [`Outside`] where the plan has no business to read.
    fn read_named(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.read(path)
    }
}

/// A file that a plan names outside of the folder that it may read in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not inside {}", .folder.display())]
pub struct Outside {
    /// The folder of the plan that was loaded.
    pub folder: PathBuf,
}

impl From<Outside> for io::Error {
    fn from(outside: Outside) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, outside)
    }
}

/// `path` as seen from the folder of the file `from`, without `.` and `..` where the text alone decides them.
pub(super) fn beside(from: &Path, path: &str) -> PathBuf {
    let joined = from.parent().unwrap_or_else(|| Path::new("")).join(path);
    let mut tidy = PathBuf::new();
    for component in joined.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}

/// The same, of a path that leads to a file for all that its text says; otherwise what it is, in words that follow
/// `what`, such as `the template`.
pub(super) fn file_beside(what: &str, from: &Path, path: &str) -> Result<PathBuf, String> {
    let found = beside(from, path);
    if path.trim().is_empty() {
        Err(format!("{what} cannot be read: no path is given"))
    } else if found == beside(from, "") {
        Err(format!("{what} {path} cannot be read: it is a folder"))
    } else {
        Ok(found)
    }
}

/// What to do about a file that is outside of the plan's folder.
const OUTSIDE_HELP: &str =
    "move it into the plan's folder, or, if you trust the plan, allow the file's: --allow-read FOLDER";

/// Why a file has no text.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    /// Whether it is not for the plan to read, whatever is in it.
    pub(super) outside: bool,
    /// In words.
    pub(super) reason: String,
    /// What to do, if it is not the path that is wrong.
    pub(super) help: Option<&'static str>,
    /// What can be shown of it, and the byte that is to blame.
    pub(super) shown: Option<(String, usize)>,
}

/// The whole file as text.
pub(super) fn read_text(files: &dyn Files, path: &Path) -> Result<String, Unread> {
    text(files.read(path))
}

/// The whole of a file that a plan names, as text.
pub(super) fn read_named_text(files: &dyn Files, path: &Path) -> Result<String, Unread> {
    text(files.read_named(path))
}

fn text(read: io::Result<Vec<u8>>) -> Result<String, Unread> {
    let bytes = read.map_err(|error| {
        let outside = error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Outside>);
        let (reason, help) = match error.kind() {
            _ if outside => (error.to_string(), Some(OUTSIDE_HELP)),
            io::ErrorKind::NotFound => ("there is no such file".to_owned(), None),
            io::ErrorKind::IsADirectory => ("it is a folder".to_owned(), None),
            io::ErrorKind::PermissionDenied => (error.to_string(), Some("give yourself the right to read it")),
            _ => (error.to_string(), None),
        };
        Unread { outside, reason, help, shown: None }
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let (line, column) = position(&text, at);
        let reason = format!("it is not UTF-8 text: see line {line}, column {column}");
        Unread { outside: false, reason, help: Some("save it as UTF-8"), shown: Some((text, at)) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_from_the_file_that_names_it() {
        for (from, path, expected) in [
            ("plans/a.toml", "b.toml", "plans/b.toml"),
            ("a.toml", "./b.toml", "b.toml"),
            ("plans/x/a.toml", "../b.toml", "plans/b.toml"),
            ("a.toml", "../../b.toml", "../../b.toml"),
            ("plans/a.toml", "/b.toml", "/b.toml"),
        ] {
            assert_eq!(beside(Path::new(from), path), Path::new(expected));
        }
    }
}
