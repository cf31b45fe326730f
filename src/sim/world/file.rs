//! A world on disk, so that it goes on between processes.
//!
//! The file holds a whole world. What changes is added to a log beside it, so that a save costs what has changed and not
//! what exists; when the log has outgrown the file, the file is written anew and the log begins again. A lock file is
//! locked for the whole of each request, so that two processes take turns, and holds a number that grows with every save,
//! so that a process notices when the other has saved.
#![expect(
    clippy::disallowed_methods,
    reason = "the world on disk is an edge of the embedded AWS, apart from a plan's files"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::World;
use super::log::Log;

/// The form of the file. It is raised by every change that an older or newer program could misread.
const FORMAT: u32 = 4;

/// The oldest form that is read. Such a file is written anew at the first save.
const OLDEST: u32 = 2;

/// How much larger than twice the file a log may grow, in bytes, before the file is written anew.
const SLACK: u64 = 1 << 20;

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
        "{} was written by another version of orch (form {found}, this one reads {OLDEST} to {FORMAT}): delete it to \
         start with an empty world, or use that version", path.display()
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
    generation: String,
    world: World,
}

#[derive(Serialize)]
struct Saved<'a> {
    format: u32,
    generation: &'a str,
    world: &'a World,
}

/// Where a world is kept, and which of its saves this process has seen last.
#[derive(Debug)]
pub(crate) struct WorldFile {
    path: PathBuf,
    seen: u64,
    /// The size of the file and its log; `None` before this process has read or written the file.
    kept: Option<(u64, Log)>,
    slack: u64,
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
        make_folder_of(&path).map_err(at(path.parent().unwrap_or(&path)))?;
        Ok(Self { path, seen: 0, kept: None, slack: SLACK })
    }

    /// Waits until no other process uses the world, for ten seconds at most. A folder that was deleted meanwhile is made
    /// again.
    pub(crate) fn lock(&self) -> Result<Guard, WorldFileError> {
        let path = self.beside("lock");
        let open = || private().read(true).truncate(false).open(&path);
        let take = || -> io::Result<Guard> {
            let mut lock = match open() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    make_folder_of(&self.path)?;
                    open()?
                }
                opened => opened?,
            };
            wait_for(&lock)?;
            let mut text = String::new();
            lock.read_to_string(&mut text)?;
            Ok(Guard { lock, saves: text.trim().parse().unwrap_or(0) })
        };
        take().map_err(at(&path))
    }

    /// Brings a world to what stands on disk, if another process has saved it since this one last looked. Its rules stay.
    pub(crate) fn refresh(&mut self, guard: &Guard, world: &mut World) -> Result<(), WorldFileError> {
        if self.seen == guard.saves {
            return Ok(());
        }
        if let Some((_, log)) = &mut self.kept
            && let Some(deltas) = log.news().map_err(|error| unreadable(&self.path, &error))?
        {
            for delta in deltas {
                world.apply(delta);
            }
            self.seen = guard.saves;
        } else {
            // Somebody who has deleted the file wants to begin anew.
            let loaded = self.load(guard)?;
            if loaded.is_none() {
                (self.kept, self.seen) = (None, guard.saves);
            }
            let loaded = loaded.unwrap_or_else(|| World::new(world.seed(), world.now));
            *world = World { rules: std::mem::take(&mut world.rules), ..loaded };
        }
        Ok(())
    }

    /// The world as it stands on disk, if there is one.
    pub(crate) fn load(&mut self, guard: &Guard) -> Result<Option<World>, WorldFileError> {
        let bytes = match read_from(&self.path, 0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&self.path)(error)),
        };
        let refuse = |error: serde_json::Error| unreadable(&self.path, &error.into());
        let Header { format } = serde_json::from_slice(&bytes).map_err(refuse)?;
        if !(OLDEST..=FORMAT).contains(&format) {
            return Err(WorldFileError::OtherForm { path: self.path.clone(), found: format });
        }
        let Loaded { generation, mut world } = serde_json::from_slice(&bytes).map_err(refuse)?;
        let mut log = Log::new(self.beside("log"), generation);
        let deltas = log.news().map_err(|error| unreadable(&self.path, &error))?;
        for delta in deltas.into_iter().flatten() {
            world.apply(delta);
        }
        // A log of this form must not go on from a file of an older one, which an older program would read.
        self.kept = (format == FORMAT).then_some((bytes.len() as u64, log));
        self.seen = guard.saves;
        Ok(Some(world))
    }

    /// Saves what has changed in the world since it was last saved. The number of saves is raised first: a process that
    /// dies in between makes the others read once too often, never too seldom.
    ///
    /// # Errors
    /// Nothing can be written. What is on disk is then what counts, and is read again before the next request.
    pub(crate) fn save(&mut self, guard: &mut Guard, world: &mut World) -> Result<(), WorldFileError> {
        match self.write(guard, world) {
            Ok(()) => {
                world.written();
                self.seen = guard.saves;
                Ok(())
            }
            Err(error) => {
                (self.kept, self.seen) = (None, u64::MAX);
                Err(at(&self.path)(error))
            }
        }
    }

    fn write(&mut self, guard: &mut Guard, world: &World) -> io::Result<()> {
        let saves = guard.saves + 1;
        if let Some((size, log)) = &mut self.kept
            && log.size() <= 2 * *size + self.slack
        {
            guard.raise(saves)?;
            return log.add(&world.delta());
        }
        let (fresh, log) = (self.beside("new"), self.beside("log"));
        let generation = format!("{saves}-{}", world.now.as_nanosecond());
        let text = serde_json::to_vec(&Saved { format: FORMAT, generation: &generation, world })?;
        let mut file = private().truncate(true).open(&fresh)?;
        file.write_all(&text)?;
        // The log is emptied next: what it held must not live in a cache alone.
        file.sync_all()?;
        guard.raise(saves)?;
        fs::rename(&fresh, &self.path)?;
        Log::clear(&log)?;
        self.kept = Some((text.len() as u64, Log::new(log, generation)));
        Ok(())
    }

    /// The path with something added to its name.
    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    }
}

impl Guard {
    /// Notes that there is another save.
    fn raise(&mut self, saves: u64) -> io::Result<()> {
        self.lock.rewind()?;
        self.lock.write_all(saves.to_string().as_bytes())?;
        self.saves = saves;
        Ok(())
    }
}

/// What is said of a file, or its log, that cannot be read as a world.
fn unreadable(path: &Path, error: &io::Error) -> WorldFileError {
    WorldFileError::NotAWorld { path: path.to_owned(), reason: error.to_string() }
}

fn at(path: &Path) -> impl Fn(io::Error) -> WorldFileError {
    let path = path.to_owned();
    move |source| WorldFileError::Io { path: path.clone(), source }
}

/// The bytes of a file from an offset on.
pub(super) fn read_from(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = OpenOptions::new().read(true).open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Files that only their owner may read: they hold session tokens, if only of the embedded AWS.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// Takes a lock that another process may have. A process that was stopped in the middle of a turn would keep it for ever.
fn wait_for(lock: &File) -> io::Result<()> {
    const AT_MOST: u32 = 2_000;
    for _ in 0..AT_MOST {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(std::time::Duration::from_millis(5)),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "another process has held it for ten seconds"))
}

fn make_folder_of(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => make_private_folder(folder),
        None => Ok(()),
    }
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
    use crate::sim::world::{Place, later};

    fn world(seed: u64) -> World {
        World::new(seed, Timestamp::UNIX_EPOCH)
    }

    fn place(account: &str) -> Place {
        Place { account: account.parse().unwrap(), region: "us-east-1".into() }
    }

    fn seen(world: &World) -> serde_json::Value {
        serde_json::to_value(world).unwrap()
    }

    /// Changes a world and saves it, as one request does.
    fn request(file: &mut WorldFile, world: &mut World, account: &str) {
        let mut guard = file.lock().unwrap();
        file.refresh(&guard, world).unwrap();
        world.now = later(world.now, std::time::Duration::from_secs(1));
        world.ids().draw();
        let place = place(account);
        let range = format!("10.{}.0.0/16", world.ec2(&place).vpcs.len());
        let wanted = crate::sim::ec2::vpc::VpcRequest { cidr_block: range, ..Default::default() };
        crate::sim::ec2::vpc::create(world, &place, wanted).unwrap();
        world.after(std::time::Duration::from_secs(9), crate::sim::world::Action::Ec2(place, vanished()));
        file.save(&mut guard, world).unwrap();
    }

    fn vanished() -> crate::sim::ec2::Action {
        crate::sim::ec2::Action::Endpoint("vpce-0".to_owned())
    }

    #[test]
    fn two_processes_see_each_others_saves_and_a_third_reads_them_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("local/world.json");
        let open = || WorldFile::new(path.clone()).unwrap();
        let (mut one, mut two) = ((open(), world(1)), (open(), world(2)));
        for round in 0..40 {
            // Now and then the log is full at once.
            one.0.slack = if round % 9 == 0 { 0 } else { SLACK };
            request(&mut one.0, &mut one.1, "111111111111");
            request(&mut two.0, &mut two.1, "222222222222");
        }
        let guard = one.0.lock().unwrap();
        one.0.refresh(&guard, &mut one.1).unwrap();
        assert_eq!(seen(&one.1), seen(&two.1));
        let third = open().load(&guard).unwrap().unwrap();
        assert_eq!(seen(&third), seen(&two.1));
        assert_eq!((third.seed(), third.ec2(&place("222222222222")).vpcs.len()), (1, 40));
    }

    #[test]
    fn who_has_written_the_file_sees_that_another_has_written_it_anew_since() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.json");
        let open = || WorldFile::new(path.clone()).unwrap();
        let (mut one, mut two) = ((open(), world(1)), (open(), world(2)));
        // One has written the file and nothing to its log; two goes on until the file is written anew.
        request(&mut one.0, &mut one.1, "111111111111");
        two.0.slack = 0;
        for _ in 0..40 {
            request(&mut two.0, &mut two.1, "222222222222");
        }
        request(&mut one.0, &mut one.1, "111111111111");
        let guard = one.0.lock().unwrap();
        let third = open().load(&guard).unwrap().unwrap();
        let count = |account: &str| third.ec2(&place(account)).vpcs.len();
        assert_eq!((count("111111111111"), count("222222222222")), (2, 40));
        assert_eq!(seen(&third), seen(&one.1));
    }

    #[test]
    fn a_world_that_was_deleted_begins_anew_and_is_kept() {
        for whole in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("local/world.json");
            let (mut file, mut world) = (WorldFile::new(path.clone()).unwrap(), world(1));
            for _ in 0..3 {
                request(&mut file, &mut world, "111111111111");
            }
            if whole {
                fs::remove_dir_all(folder.path().join("local")).unwrap();
            } else {
                fs::remove_file(&path).unwrap();
                fs::remove_file(folder.path().join("local/world.json.log")).unwrap();
            }
            // Another process has saved nothing since, and its lock counts from zero, or goes on.
            let mut guard = file.lock().unwrap();
            guard.raise(7).unwrap();
            drop(guard);
            request(&mut file, &mut world, "222222222222");
            let mut next = WorldFile::new(path).unwrap();
            let guard = next.lock().unwrap();
            let read = next.load(&guard).unwrap().unwrap();
            assert_eq!(read.ec2(&place("111111111111")).vpcs.len(), 0, "{whole}");
            assert_eq!(read.ec2(&place("222222222222")).vpcs.len(), 1, "{whole}");
        }
    }

    #[test]
    fn a_save_costs_what_has_changed_whatever_else_exists() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.json");
        let (mut file, mut world) = (WorldFile::new(path.clone()).unwrap(), world(1));
        let grown = |file: &mut WorldFile, world: &mut World, account: &str| {
            let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
            let before = size(&folder.path().join("world.json.log"));
            request(file, world, account);
            size(&folder.path().join("world.json.log")) - before
        };
        request(&mut file, &mut world, "100000000000");
        let first = grown(&mut file, &mut world, "100000000001");
        for account in 100_000_000_002_u64..100_000_000_300 {
            request(&mut file, &mut world, &account.to_string());
        }
        let last = grown(&mut file, &mut world, "100000000300");
        assert!(last < first + 200, "{first} bytes in an empty world, {last} in a full one");
    }

    #[test]
    fn a_log_that_breaks_off_is_read_as_far_as_it_is_whole_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.json");
        let log = folder.path().join("world.json.log");
        let (mut file, mut world) = (WorldFile::new(path.clone()).unwrap(), world(1));
        for _ in 0..3 {
            request(&mut file, &mut world, "111111111111");
        }
        let whole = fs::metadata(&log).unwrap().len();
        request(&mut file, &mut world, "111111111111");
        OpenOptions::new().write(true).open(&log).unwrap().set_len(whole + 100).unwrap();
        let mut next = WorldFile::new(path.clone()).unwrap();
        let guard = next.lock().unwrap();
        let mut read = next.load(&guard).unwrap().unwrap();
        drop(guard);
        assert_eq!(read.ec2(&place("111111111111")).vpcs.len(), 3);
        request(&mut next, &mut read, "111111111111");
        let guard = next.lock().unwrap();
        let again = WorldFile::new(path).unwrap().load(&guard).unwrap().unwrap();
        assert_eq!(again.ec2(&place("111111111111")).vpcs.len(), 4);
    }

    #[test]
    fn a_log_of_an_older_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.json");
        let (mut file, mut old) = (WorldFile::new(path.clone()).unwrap(), world(1));
        for _ in 0..3 {
            request(&mut file, &mut old, "111111111111");
        }
        // The file is deleted, and everything begins anew beside the old log.
        fs::remove_file(&path).unwrap();
        let log = read_from(&folder.path().join("world.json.log"), 0).unwrap();
        let (mut file, mut new) = (WorldFile::new(path.clone()).unwrap(), world(2));
        request(&mut file, &mut new, "111111111111");
        private().truncate(true).open(folder.path().join("world.json.log")).unwrap().write_all(&log).unwrap();
        let guard = file.lock().unwrap();
        let read = WorldFile::new(path).unwrap().load(&guard).unwrap().unwrap();
        assert_eq!((read.seed(), read.ec2(&place("111111111111")).vpcs.len()), (2, 1));
    }

    #[test]
    fn a_file_of_an_older_form_is_read_with_its_log_and_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.json");
        let (mut file, mut old) = (WorldFile::new(path.clone()).unwrap(), world(1));
        for _ in 0..3 {
            request(&mut file, &mut old, "111111111111");
        }
        let form = |form: u32| format!(r#"{{"format":{form},"#);
        let text = String::from_utf8(read_from(&path, 0).unwrap()).unwrap();
        assert!(text.starts_with(&form(FORMAT)), "{text}");
        let older = text.replacen(&form(FORMAT), &form(OLDEST), 1);
        private().truncate(true).open(&path).unwrap().write_all(older.as_bytes()).unwrap();
        let (mut file, mut new) = (WorldFile::new(path.clone()).unwrap(), world(2));
        for count in [4, 5] {
            request(&mut file, &mut new, "111111111111");
            let guard = file.lock().unwrap();
            let mut other = WorldFile::new(path.clone()).unwrap();
            let read = other.load(&guard).unwrap().unwrap();
            assert_eq!((read.seed(), read.ec2(&place("111111111111")).vpcs.len()), (1, count));
            assert!(String::from_utf8(read_from(&path, 0).unwrap()).unwrap().starts_with(&form(FORMAT)));
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_files_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("local/world.json");
        let (mut file, mut world) = (WorldFile::new(path.clone()).unwrap(), world(1));
        request(&mut file, &mut world, "111111111111");
        request(&mut file, &mut world, "111111111111");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&file.beside("log")), mode(&file.beside("lock"))), (0o600, 0o600, 0o600));
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
        assert!(load(r#"{"format": 3}"#).contains("missing field `generation`"));
        assert!(load(r#"{"format": 1, "world": 3}"#).contains("another version of orch (form 1"));
    }
}
