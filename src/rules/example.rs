//! The examples of rules: a plan and the files that it needs, as one text.

/// Begins and ends the offending text.
const MARKS: [char; 2] = ['«', '»'];

/// An example for a reader: the same text without the marks.
pub(super) fn shown(text: &str) -> String {
    text.replace(MARKS, "")
}

#[cfg(test)]
pub(super) use read::{Example, PLAN};

/// Reading an example back, as only tests do.
#[cfg(test)]
mod read {
    use std::ops::Range;
    use std::path::PathBuf;

    use super::MARKS;
    use crate::plan::samples::Disk;

    /// Where every example's plan is.
    pub(in crate::rules) const PLAN: &str = "plan.toml";

    /// An example, read: its files without marks, and the place that is marked.
    #[derive(Clone, Debug, Default)]
    pub(in crate::rules) struct Example {
        pub(in crate::rules) files: Disk,
        pub(in crate::rules) marked: Option<(PathBuf, Range<usize>)>,
    }

    impl Example {
        /// Reads an example: each file begins with a line `--- path`.
        pub(in crate::rules) fn read(text: &str) -> Self {
            let mut example = Self::default();
            for file in text.split("--- ").filter(|file| !file.is_empty()) {
                let (path, text) = file.split_once('\n').unwrap_or((file, ""));
                let path = PathBuf::from(path.trim());
                if let (Some(start), Some(end)) = (text.find(MARKS[0]), text.find(MARKS[1])) {
                    example.marked = Some((path.clone(), start..end - MARKS[0].len_utf8()));
                }
                example.files.0.insert(path, text.replace(MARKS, ""));
            }
            example
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn files_and_the_mark_are_found() {
        let example = Example::read("--- plan.toml\na = «1»\n--- t.yaml\nb\n");
        assert_eq!(example.files.0[Path::new("plan.toml")], "a = 1\n");
        assert_eq!(example.files.0[Path::new("t.yaml")], "b\n");
        assert_eq!(example.marked, Some(("plan.toml".into(), 4..5)));
        assert_eq!(shown("«1»"), "1");
    }
}
