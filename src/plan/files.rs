//! Where texts come from.

use std::borrow::Cow;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::codes;
use crate::diag::{Code, position};

/// Reads files. The command line gives the disk, tests give a map.
pub trait Files {
    /// The whole file.
    ///
    /// # Errors
    ///
    /// Whatever the file system says; [`Outside`] for a file that a plan may not read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// Why a file is not even looked at: it lies outside of all folders that a plan may read from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} lies outside of the plan's folder {}", .file.display(), .folder.display())]
pub struct Outside {
    /// The file, symbolic links resolved.
    pub file: PathBuf,
    /// The plan's folder, symbolic links resolved.
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

/// Why a file has no text.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    /// In words.
    pub(super) reason: String,
    /// What to do, if it is not the path that is wrong.
    pub(super) help: Option<Cow<'static, str>>,
    /// Whether a plan may not read it, whatever it is.
    pub(super) outside: bool,
    /// What can be shown of it, and the byte that is to blame.
    pub(super) shown: Option<(String, usize)>,
}

impl Unread {
    /// The sort of problem that this is, where a file that cannot be read is of the sort `otherwise`.
    pub(super) fn code(&self, otherwise: Code) -> Code {
        if self.outside { codes::OUTSIDE } else { otherwise }
    }
}

/// The whole file as text.
pub(super) fn read_text(files: &dyn Files, path: &Path) -> Result<String, Unread> {
    let bytes = files.read(path).map_err(|error| {
        if let Some(outside) = error.get_ref().and_then(|inner| inner.downcast_ref::<Outside>()) {
            let folder = outside.file.parent().unwrap_or(&outside.file).display();
            let help = format!("move it there, or allow its folder: --allow-read {folder}").into();
            return Unread { reason: outside.to_string(), help: Some(help), outside: true, shown: None };
        }
        let (reason, help) = match error.kind() {
            io::ErrorKind::NotFound => ("there is no such file".to_owned(), None),
            io::ErrorKind::IsADirectory => ("it is a folder".to_owned(), None),
            io::ErrorKind::PermissionDenied => (error.to_string(), Some("give yourself the right to read it".into())),
            _ => (error.to_string(), None),
        };
        Unread { reason, help, outside: false, shown: None }
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let (line, column) = position(&text, at);
        let reason = format!("it is not UTF-8 text: see line {line}, column {column}");
        Unread { reason, help: Some("save it as UTF-8".into()), outside: false, shown: Some((text, at)) }
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
