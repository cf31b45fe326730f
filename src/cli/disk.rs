//! Plan files and templates on the disk.
#![expect(clippy::disallowed_methods, reason = "this is the edge where files are read")]

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::BuildHasher as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::plan::{Files, Outside};

/// The largest file that is read, in bytes: far above CloudFormation's limit of 1 MB for a template, and small enough
/// that a path like `/dev/zero` ends in an error instead of in swap.
const LARGEST: u64 = 16 * 1024 * 1024;

/// How large the files that a plan names may be together, in bytes.
const LARGEST_TOGETHER: u64 = 256 * 1024 * 1024;

/// The disk as a plan may see it: what it names must lie in its own folder, in one that the caller allows, or below.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// The folder of the plan, without symbolic links if it exists.
    folder: PathBuf,
    /// All folders that may be read in, without symbolic links.
    allowed: Vec<PathBuf>,
    /// How many bytes it has been given so far.
    given: Arc<AtomicU64>,
}

impl Tree {
    /// The tree of a plan's folder, and those of others. A folder that does not exist allows nothing.
    pub(super) fn of_plan(plan: &Path, others: &[PathBuf]) -> Self {
        let folder = match plan.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let others = others.iter().map(PathBuf::as_path);
        let allowed = std::iter::once(folder).chain(others).filter_map(|folder| folder.canonicalize().ok()).collect();
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Self { folder, allowed, given: Arc::default() }
    }
}

impl Files for Tree {
    // The plan itself is held to the same, since a plan of somebody else's may be a link to whatever its reader may read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.read_real(&path.canonicalize()?)
    }

    fn read_named(&self, path: &Path) -> io::Result<Vec<u8>> {
        // What the links lead to is what is read, so nothing is told of a file outside but that it is outside.
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) if self.holds_parent(path) => return Err(error),
            Err(_) => return Err(Outside { folder: self.folder.clone() }.into()),
        };
        self.read_real(&real)
    }
}

impl Tree {
    /// A file by its path without symbolic links.
    fn read_real(&self, real: &Path) -> io::Result<Vec<u8>> {
        if !self.holds(real) {
            return Err(Outside { folder: self.folder.clone() }.into());
        }
        // Opening a pipe would wait until somebody writes into it.
        let metadata = std::fs::metadata(real)?;
        if !metadata.is_file() && !metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
        }
        let bytes = read(real)?;
        if self.given.fetch_add(bytes.len() as u64, Ordering::Relaxed) + bytes.len() as u64 > LARGEST_TOGETHER {
            let why = "with it, what the plan names would be larger than 256 MiB";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        Ok(bytes)
    }

    fn holds(&self, real: &Path) -> bool {
        self.allowed.iter().any(|folder| real.starts_with(folder))
    }

    /// Whether a file that cannot be found would be inside: the nearest folder above it that exists decides.
    fn holds_parent(&self, path: &Path) -> bool {
        let above = path.ancestors().skip(1).find_map(|above| {
            let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
            above.canonicalize().ok()
        });
        above.is_some_and(|above| self.holds(&above))
    }
}

/// The folder that `--allow-read` names, without symbolic links.
pub(super) fn folder(path: &str) -> Result<PathBuf, String> {
    match Path::new(path).canonicalize() {
        Ok(folder) if folder.is_dir() => Ok(folder),
        Ok(_) => Err("it is not a folder".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether something stands at a path, be it a link that leads nowhere.
pub(super) fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Writes a file, with the folders that it lies in.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

/// The path of a file as seen from the folder of another, which need not be there; `None` if it does not lie in that folder
/// or below.
pub(super) fn below(other: &Path, file: &Path) -> io::Result<Option<String>> {
    let folder = match other.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = file.canonicalize()?;
    let Ok(folder) = folder.canonicalize() else { return Ok(None) };
    Ok(file.strip_prefix(folder).ok().and_then(Path::to_str).map(str::to_owned))
}

/// The whole of a plain file: a pipe would be waited for.
pub(super) fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    read(path)
}

/// The whole file, if it is one of a reasonable size.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read as _;

    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB"));
    }
    Ok(bytes)
}

/// Writes a file for its owner alone: whole, or not at all, and in place of one that is there.
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;

    if text.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it would be larger than 16 MiB"));
    }
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    // By chance as well: what a killed process has left must not be in the way of a later one of the same id, and in a
    // container all have the same. The standard library seeds each of these from the system's own source of randomness.
    let chance = RandomState::new().hash_one(0_u64);
    let beside = path.with_file_name(format!(".{}.{}.{chance:016x}", name.to_string_lossy(), std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    });
    if written.is_err() {
        drop(std::fs::remove_file(&beside));
    }
    written
}

/// Makes a folder for its owner alone, and those that it lies in; one that is there stays as it is.
pub(super) fn private_folders(folder: &Path) -> io::Result<()> {
    private(true).create(folder)
}

/// Makes a folder for its owner alone, which must not be there.
pub(super) fn new_private_folder(folder: &Path) -> io::Result<()> {
    private(false).create(folder)
}

fn private(recursive: bool) -> std::fs::DirBuilder {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(recursive);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn what_is_written_is_for_its_owner_alone_and_takes_the_place_of_what_was_there() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changes.json");
        std::fs::write(&path, "before").unwrap();
        write_private(&path, "after").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "after");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_private(&folder.path().join("none/changes.json"), "").is_err());
        assert!(write_private(folder.path(), "").is_err(), "a folder is in the way");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_a_killed_process_of_the_same_id_has_left_is_not_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(format!(".changes.json.{}", std::process::id())), "half").unwrap();
        write_private(&folder.path().join("changes.json"), "whole").unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("changes.json")).unwrap(), "whole");
    }

    #[test]
    fn a_directory_and_an_endless_file_are_errors() {
        assert_eq!(read(Path::new("/")).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        #[cfg(unix)]
        assert_eq!(read(Path::new("/dev/zero")).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    /// A folder with `plans/a.toml`, `plans/t.yaml`, `other/t.yaml`.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in ["plans/deep/t.yaml", "plans/a.toml", "other/t.yaml"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        folder
    }

    fn outcome(tree: &Tree, path: &Path) -> &'static str {
        match tree.read_named(path) {
            Ok(_) => "read",
            Err(error) if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Outside>) => {
                "outside"
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => "missing",
            Err(_) => "error",
        }
    }

    #[test]
    fn a_plan_reads_in_its_own_folder_and_where_it_is_allowed_to() {
        let folder = folder();
        let at = |path: &str| folder.path().join(path);
        let tree = Tree::of_plan(&at("plans/a.toml"), &[]);
        for (path, expected) in [
            ("plans/deep/t.yaml", "read"),
            ("plans/deep/../deep/t.yaml", "read"),
            ("other/t.yaml", "outside"),
            ("plans/../other/t.yaml", "outside"),
            ("plans/none.yaml", "missing"),
            ("plans/none/none.yaml", "missing"),
            // Whether it is there is nothing that the plan should tell.
            ("other/none.yaml", "outside"),
            ("none/none.yaml", "outside"),
        ] {
            assert_eq!(outcome(&tree, &at(path)), expected, "{path}");
        }
        assert_eq!(outcome(&tree, Path::new("/etc/passwd")), "outside");
        let tree = Tree::of_plan(&at("plans/a.toml"), &[at("other")]);
        assert_eq!(outcome(&tree, &at("other/t.yaml")), "read");
        assert_eq!(outcome(&tree, &at("plans/deep/t.yaml")), "read");
    }

    #[test]
    #[cfg(unix)]
    fn the_plan_itself_is_a_plain_file_of_its_folder() {
        use std::os::unix::fs::symlink;

        let folder = folder();
        let at = |path: &str| folder.path().join(path);
        symlink(at("other/t.yaml"), at("plans/out.toml")).unwrap();
        symlink("/proc/self/environ", at("plans/environ.toml")).unwrap();
        symlink(at("plans/a.toml"), at("plans/in.toml")).unwrap();
        let read = |path: &str, others: &[PathBuf]| Tree::of_plan(&at(path), others).read(&at(path));
        for outside in ["plans/out.toml", "plans/environ.toml"] {
            let error = read(outside, &[]).unwrap_err();
            assert!(error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Outside>), "{error}");
        }
        assert!(read("plans/a.toml", &[]).is_ok() && read("plans/in.toml", &[]).is_ok());
        assert!(read("plans/out.toml", &[at("other")]).is_ok());
        let pipe = at("plans/pipe.toml");
        // Nobody writes into it: whoever opened it would wait for ever.
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        if made.is_ok_and(|made| made.success()) {
            assert_eq!(read("plans/pipe.toml", &[]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert!(read_plain(&pipe).is_err());
        }
        assert_eq!(read("plans/none.toml", &[]).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_a_plan_names_is_bounded_file_by_file_and_together() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for (name, size) in [("large.yaml", LARGEST), ("larger.yaml", LARGEST + 1)] {
            File::create(at(name)).unwrap().set_len(size).unwrap();
        }
        let tree = Tree::of_plan(&at("a.toml"), &[]);
        assert_eq!(outcome(&tree, &at("larger.yaml")), "error");
        let most = usize::try_from(LARGEST_TOGETHER / LARGEST).unwrap();
        let read: Vec<&str> = (0..=most).map(|_| outcome(&tree, &at("large.yaml"))).collect();
        assert!(read[..most].iter().all(|outcome| *outcome == "read") && read[most] == "error", "{read:?}");
    }

    #[test]
    #[cfg(unix)]
    fn what_a_link_leads_to_decides_and_pipes_are_not_waited_for() {
        use std::os::unix::fs::symlink;

        let folder = folder();
        let at = |path: &str| folder.path().join(path);
        symlink(at("other/t.yaml"), at("plans/out.yaml")).unwrap();
        symlink(at("plans/deep/t.yaml"), at("plans/in.yaml")).unwrap();
        symlink(at("plans"), at("alias")).unwrap();
        symlink("/dev/zero", at("plans/deep/zero.yaml")).unwrap();
        let tree = Tree::of_plan(&at("alias/a.toml"), &[]);
        assert_eq!(outcome(&tree, &at("alias/out.yaml")), "outside");
        assert_eq!(outcome(&tree, &at("alias/in.yaml")), "read");
        assert_eq!(outcome(&tree, &at("alias/deep/zero.yaml")), "outside");
        let tree = Tree::of_plan(&at("alias/a.toml"), &["/dev".into()]);
        assert_eq!(outcome(&tree, &at("alias/deep/zero.yaml")), "error", "a device is no plain file");
    }
}
