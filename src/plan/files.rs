//! Where texts come from.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Reads files. The command line gives the disk, tests give a map.
pub trait Files {
    /// The whole file.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
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

/// The whole file as text; the error says in words why not.
pub(super) fn read_text(files: &dyn Files, path: &Path) -> Result<String, String> {
    let bytes = files.read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    })?;
    String::from_utf8(bytes)
        .map_err(|error| format!("it is not UTF-8 from byte {} on", error.utf8_error().valid_up_to()))
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
