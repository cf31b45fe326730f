//! Plan files and templates on the disk.
#![expect(clippy::disallowed_methods, reason = "this is the edge where files are read")]

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::plan::{Files, Outside};

/// The largest file that is read, in bytes: far above CloudFormation's limit of 1 MB for a template and a plan of
/// 100,000 nodes, and small enough that a mistaken path ends in an error instead of in swap.
const LARGEST: u64 = 8 * 1024 * 1024;

/// The disk, seen from the directory that orch was started in: for files that the user names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        bounded(file)
    }
}

/// The disk as far as a plan may read it: the plan that the user names, the tree of its folder, and the trees that the
/// user allows besides. Symbolic links count as what they lead to.
#[derive(Clone, Debug)]
pub(super) struct Trees {
    plan: PathBuf,
    /// The folder of the plan first.
    folders: Vec<PathBuf>,
}

impl Trees {
    /// What the plan at `plan` may read; `allowed` are folders as [`folder`] gives them.
    pub(super) fn of(plan: &Path, allowed: &[PathBuf]) -> Self {
        let own = real(plan.parent().unwrap_or(Path::new("")));
        Self { plan: plan.to_owned(), folders: std::iter::once(own).chain(allowed.iter().cloned()).collect() }
    }
}

impl Files for Trees {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path == self.plan {
            return plain(path);
        }
        let file = real(path);
        if self.folders.iter().any(|folder| file.starts_with(folder)) {
            plain(&file)
        } else {
            Err(Outside { file, folder: self.folders[0].clone() }.into())
        }
    }
}

/// The folder that `--allow-read` names, symbolic links resolved.
pub(super) fn folder(path: &str) -> Result<PathBuf, String> {
    match std::fs::canonicalize(path) {
        Ok(folder) if folder.is_dir() => Ok(folder),
        Ok(_) => Err("it is not a folder".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A path with its symbolic links resolved, as far as it exists: of a file that is not there, its folder still tells
/// whether anybody may ask for it.
fn real(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        let there = if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor };
        if let (Ok(found), Ok(rest)) = (std::fs::canonicalize(there), path.strip_prefix(ancestor)) {
            return if rest.as_os_str().is_empty() { found } else { found.join(rest) };
        }
    }
    path.to_owned()
}

/// A plain file's bytes. What it is, is asked before it is opened: to open a pipe waits for its other end.
fn plain(path: &Path) -> io::Result<Vec<u8>> {
    let found = std::fs::metadata(path)?;
    if found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    if !found.is_file() {
        return Err(io::Error::other("it is a device, a pipe or a socket, where a plain file is needed"));
    }
    bounded(File::open(path)?)
}

fn bounded(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 8 MiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// `plans/plan.toml` with a file beside it, one below it and one outside, and what the plan may read of that.
    fn tree() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let plan = folder.path().join("plans/plan.toml");
        fs::create_dir_all(folder.path().join("plans/below")).unwrap();
        fs::create_dir_all(folder.path().join("plans-of-others")).unwrap();
        for file in ["plans/plan.toml", "plans/base.toml", "plans/below/t.yaml", "plans-of-others/t.yaml", "t.yaml"] {
            fs::write(folder.path().join(file), file).unwrap();
        }
        (folder, plan)
    }

    fn is_outside(read: &io::Result<Vec<u8>>) -> bool {
        let inner = read.as_ref().err().and_then(io::Error::get_ref);
        inner.is_some_and(|inner| inner.downcast_ref::<Outside>().is_some())
    }

    #[test]
    fn a_directory_and_an_endless_file_are_errors() {
        assert_eq!(Disk.read(Path::new("/")).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        #[cfg(unix)]
        assert_eq!(Disk.read(Path::new("/dev/zero")).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_plan_reads_its_own_tree_and_what_is_allowed_besides() {
        let (folder, plan) = tree();
        let at = |path: &str| plan.parent().unwrap().join(path);
        let trees = Trees::of(&plan, &[]);
        for inside in ["plan.toml", "base.toml", "below/t.yaml", "below/../base.toml", "../plans/base.toml"] {
            assert!(trees.read(&at(inside)).is_ok(), "{inside}");
        }
        for outside in ["../t.yaml", "../plans-of-others/t.yaml", "../gone/t.yaml", "/etc/hostname", "/dev/zero"] {
            assert!(is_outside(&trees.read(&at(outside))), "{outside}");
        }
        assert_eq!(trees.read(&at("gone/t.yaml")).unwrap_err().kind(), io::ErrorKind::NotFound);
        let allowed = self::folder(folder.path().join("plans-of-others").to_str().unwrap()).unwrap();
        let trees = Trees::of(&plan, &[allowed]);
        assert!(trees.read(&at("../plans-of-others/t.yaml")).is_ok());
        assert!(is_outside(&trees.read(&at("../t.yaml"))));
    }

    #[test]
    fn only_a_folder_that_is_there_can_be_allowed() {
        let (_folder, plan) = tree();
        assert_eq!(folder(plan.to_str().unwrap()).unwrap_err(), "it is not a folder");
        assert!(folder(plan.join("gone").to_str().unwrap()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_counts_as_what_it_leads_to() {
        use std::os::unix::fs::symlink;

        let (folder, plan) = tree();
        let at = |path: &str| plan.parent().unwrap().join(path);
        symlink(folder.path(), at("up")).unwrap();
        symlink(at("below/t.yaml"), at("own.yaml")).unwrap();
        symlink(folder.path().join("plans"), folder.path().join("current")).unwrap();
        let trees = Trees::of(&plan, &[]);
        assert!(is_outside(&trees.read(&at("up/t.yaml"))));
        assert!(is_outside(&trees.read(&at("up/gone.yaml"))));
        assert!(trees.read(&at("own.yaml")).is_ok());
        // The folder of the plan may be reached by a link itself.
        let current = folder.path().join("current");
        assert!(Trees::of(&current.join("plan.toml"), &[]).read(&current.join("base.toml")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_plan_is_a_plain_file_and_reads_plain_files_of_a_bounded_size() {
        let (_folder, plan) = tree();
        let read = |path: &Path| Trees::of(path, &[]).read(path).unwrap_err();
        assert!(read(Path::new("/dev/zero")).to_string().contains("a plain file is needed"));
        assert_eq!(read(plan.parent().unwrap()).kind(), io::ErrorKind::IsADirectory);
        let socket = plan.with_file_name("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(Trees::of(&plan, &[]).read(&socket).unwrap_err().to_string().contains("a plain file is needed"));
        let large = plan.with_file_name("large.toml");
        File::create(&large).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(Trees::of(&plan, &[]).read(&large).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
