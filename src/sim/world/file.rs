//! A world on disk, so that it goes on between processes.
//!
//! Beside the file stands a lock file. It is locked for the whole of each request, so that two processes take turns, and
//! holds a number that grows with every save, so that a process notices when the other has saved.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::World;

/// The form of the file. It is raised by every change that an older or newer program could misread.
const FORMAT: u32 = 1;

/// A world file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorldFileError {
    /// The file, its folder or its lock cannot be read or written.
    #[error("cannot use the embedded AWS's world file {}: {source}", path.display())]
    Io {
        /// The file in question.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is not a world.
    #[error("{} is not a world of the embedded AWS ({reason}): delete it to start with an empty world", path.display())]
    NotAWorld {
        /// The file in question.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file was written by another version of the program.
    #[error(
        "{} was written by another version of orch (form {found}, this one reads {FORMAT}): delete it to start with an \
         empty world, or use that version", path.display()
    )]
    OtherForm {
        /// The file in question.
        path: PathBuf,
        /// The form it has.
        found: u32,
    },
}

/// What stands before the world, so that a foreign form is recognised before anything else is read.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

#[derive(Deserialize)]
struct Loaded {
    world: World,
}

#[derive(Serialize)]
struct Saved<'a> {
    format: u32,
    world: &'a World,
}

/// Where a world is kept, and which of its saves this process has seen last.
#[derive(Debug)]
pub(crate) struct WorldFile {
    path: PathBuf,
    seen: u64,
}

/// The lock on a world file; dropping it lets the next process in.
#[derive(Debug)]
pub(crate) struct Guard {
    lock: File,
    saves: u64,
}

impl WorldFile {
    /// A file that may not exist yet. Its folder is made if needed, for its owner alone.
    pub(crate) fn new(path: PathBuf) -> Result<Self, WorldFileError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_private_folder(folder).map_err(at(folder))?;
        }
        Ok(Self { path, seen: 0 })
    }

    /// Waits until no other process uses the world.
    pub(crate) fn lock(&self) -> Result<Guard, WorldFileError> {
        let path = self.lock_path();
        let take = || -> io::Result<Guard> {
            let mut lock = private().read(true).truncate(false).open(&path)?;
            lock.lock()?;
            let mut text = String::new();
            lock.read_to_string(&mut text)?;
            Ok(Guard { lock, saves: text.trim().parse().unwrap_or(0) })
        };
        take().map_err(at(&path))
    }

    /// The world as it stands on disk, if another process has saved it since this one last looked.
    pub(crate) fn load_if_changed(&mut self, guard: &Guard) -> Result<Option<World>, WorldFileError> {
        if self.seen == guard.saves { Ok(None) } else { self.load(guard) }
    }

    /// The world as it stands on disk, if there is one.
    pub(crate) fn load(&mut self, guard: &Guard) -> Result<Option<World>, WorldFileError> {
        let bytes = match read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&self.path)(error)),
        };
        let refuse =
            |error: serde_json::Error| WorldFileError::NotAWorld { path: self.path.clone(), reason: error.to_string() };
        let Header { format } = serde_json::from_slice(&bytes).map_err(refuse)?;
        if format != FORMAT {
            return Err(WorldFileError::OtherForm { path: self.path.clone(), found: format });
        }
        let Loaded { world } = serde_json::from_slice(&bytes).map_err(refuse)?;
        self.seen = guard.saves;
        Ok(Some(world))
    }

    /// Writes the world beside the file and moves it into place. The number of saves is raised first: a process that
    /// dies in between makes the others read once too often, never too seldom.
    pub(crate) fn save(&mut self, guard: &mut Guard, world: &World) -> Result<(), WorldFileError> {
        let fresh = self.beside("new");
        let mut write = || -> io::Result<u64> {
            let text = serde_json::to_vec(&Saved { format: FORMAT, world })?;
            private().truncate(true).open(&fresh)?.write_all(&text)?;
            let saves = guard.saves + 1;
            guard.lock.rewind()?;
            guard.lock.write_all(saves.to_string().as_bytes())?;
            fs::rename(&fresh, &self.path)?;
            Ok(saves)
        };
        let saves = write().map_err(at(&self.path))?;
        guard.saves = saves;
        self.seen = saves;
        Ok(())
    }

    fn lock_path(&self) -> PathBuf {
        self.beside("lock")
    }

    /// The path with something added to its name.
    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> WorldFileError {
    let path = path.to_owned();
    move |source| WorldFileError::Io { path: path.clone(), source }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the world file is an edge of the embedded AWS, apart from a plan's files"
)]
fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

/// Files that only their owner may read: they hold session tokens, if only of the embedded AWS.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn world(seed: u64) -> World {
        World::new(seed, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_process_notices_what_another_has_saved_and_only_that() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("local/world.json");
        let (mut one, mut two) = (WorldFile::new(path.clone()).unwrap(), WorldFile::new(path).unwrap());
        let mut guard = one.lock().unwrap();
        one.save(&mut guard, &world(1)).unwrap();
        assert!(one.load_if_changed(&guard).unwrap().is_none());
        drop(guard);
        let mut guard = two.lock().unwrap();
        assert_eq!(two.load_if_changed(&guard).unwrap().unwrap().seed(), 1);
        two.save(&mut guard, &world(2)).unwrap();
        drop(guard);
        let guard = one.lock().unwrap();
        assert_eq!(one.load_if_changed(&guard).unwrap().unwrap().seed(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("local/world.json");
        let mut file = WorldFile::new(path.clone()).unwrap();
        let mut guard = file.lock().unwrap();
        file.save(&mut guard, &world(1)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }

    #[test]
    fn what_is_not_a_world_of_this_version_is_refused_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.json");
        let load = |text: &str| {
            private().truncate(true).open(&path).unwrap().write_all(text.as_bytes()).unwrap();
            let mut file = WorldFile::new(path.clone()).unwrap();
            let guard = file.lock().unwrap();
            file.load(&guard).unwrap_err().to_string()
        };
        assert!(load("no json").contains("delete it to start with an empty world"));
        assert!(load(r#"{"format": 1}"#).contains("missing field `world`"));
        assert!(load(r#"{"format": 99, "world": 3}"#).contains("another version of orch (form 99"));
    }
}
