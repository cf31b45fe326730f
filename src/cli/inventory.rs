//! Where inventories are kept.
#![expect(clippy::disallowed_methods, reason = "this is the edge where the inventory is read and written")]

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::aws::Environment;
use crate::event::Failure;
use crate::inventory::{Inventory, News};
use crate::plan::Plan;
use crate::text::printable;

use super::args::Target;
use super::inventory_object::Object;
use super::{disk, lock, terminal};

/// The folder of inventories, from the directory that orch was started in.
const FOLDER: &str = ".orch/inventory";

/// The same for plans that run on the embedded AWS.
const LOCAL_FOLDER: &str = ".orch/local/inventory";

/// An inventory, and where it is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    place: Place,
    plan: String,
    /// As it was read.
    pub(super) inventory: Inventory,
    /// Whether it was said that it cannot be written.
    told: bool,
}

/// Where an inventory is kept.
#[derive(Clone, Debug)]
enum Place {
    /// A file of the person who runs the plan.
    File(PathBuf),
    /// An object that all share who run the plan; without a session nothing is read or written.
    Object(Object),
}

impl Place {
    /// How it is named to people.
    fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Object(object) => object.shown(),
        }
    }
}

/// What came of reading.
#[derive(Debug)]
pub(super) enum Read {
    Found(Inventory),
    Nothing,
    /// There is something, which is no inventory of this plan: why.
    Damaged(String),
}

impl Read {
    /// Reads a document.
    pub(super) fn of(plan: &str, bytes: &[u8]) -> Self {
        match Inventory::read(plan, bytes) {
            Ok(inventory) => Self::Found(inventory),
            Err(damaged) => Self::Damaged(damaged.to_string()),
        }
    }
}

/// What to do where the inventory cannot be read.
const UNREAD: &str = "accounts that left the plan are not looked into";

impl Kept {
    /// Reads the inventory of a plan. What cannot be read counts as empty and is told: nothing depends on it but what is
    /// found again.
    pub(super) async fn open(plan: &Plan, target: &Target, environment: &Environment) -> Self {
        let (place, read) = if let Some(kept) = &plan.inventory {
            let object = Object::of(plan, kept, environment).await;
            let read = object.read(&plan.name).await.map(|(read, _)| read);
            (Place::Object(object), read)
        } else {
            let folder = Path::new(if target.local { LOCAL_FOLDER } else { FOLDER });
            let path = folder.join(format!("{}.json", plan.name));
            let read = read(&plan.name, &path).map_err(|error| Failure::new(error.to_string(), "").help(UNREAD));
            (Place::File(path), read)
        };
        let shown = place.shown();
        let inventory = match read {
            Ok(Read::Found(inventory)) => Some(inventory),
            Ok(Read::Nothing) => None,
            Ok(Read::Damaged(why)) => {
                terminal::notice(&format!(
                    "warning: the inventory {shown} cannot be used: {why}\n  help: the next apply sets it aside and begins anew; until then, {UNREAD}\n"
                ));
                None
            }
            Err(failure) => {
                tell(&format!("the inventory {shown} cannot be read"), &failure);
                None
            }
        };
        let inventory = inventory.unwrap_or_else(|| Inventory::empty(&plan.name));
        Self { place, plan: plan.name.to_string(), inventory, told: false }
    }

    /// Adds what a run has to tell. That it cannot be written is told once and stops nothing.
    pub(super) async fn add(&mut self, news: News) {
        if news.is_empty() {
            return;
        }
        let written = match &self.place {
            Place::File(path) => add_to_file(&self.plan, path, &mut self.inventory, news)
                .await
                .map_err(|error| Failure::new(error.to_string(), "")),
            Place::Object(object) => object.add(&self.plan, &mut self.inventory, news).await,
        };
        if let Err(failure) = written
            && !std::mem::replace(&mut self.told, true)
        {
            let failure =
                failure.help("what leaves the plan may not be found later in accounts that the plan names no more");
            tell(&format!("the inventory {} cannot be written", self.place.shown()), &failure);
        }
    }
}

/// Warns of something, with the reason and what to do.
fn tell(what: &str, failure: &Failure) {
    let mut text = format!("warning: {what}: {}\n", printable(&failure.to_string()));
    for help in &failure.help {
        let _ = writeln!(text, "  help: {}", printable(help));
    }
    terminal::notice(&text);
}

/// Adds what a run has to tell to what is in a file by now, and keeps that. No other process does so meanwhile.
async fn add_to_file(plan: &str, path: &Path, inventory: &mut Inventory, news: News) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    disk::private_folders(folder)?;
    let _held = lock::folder(folder).await;
    // Another run may have written since this one has read.
    match read(plan, path)? {
        Read::Found(latest) => *inventory = latest,
        Read::Nothing => {}
        Read::Damaged(_) => {
            let aside = set_aside(path)?;
            terminal::line(&format!("the damaged inventory was set aside as {}", aside.display()));
        }
    }
    let before = inventory.written();
    inventory.take_in(news);
    let after = inventory.written();
    if before == after && path.exists() {
        return Ok(());
    }
    disk::write_private(path, &after)
}

fn read(plan: &str, path: &Path) -> io::Result<Read> {
    let bytes = match disk::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Read::Nothing),
        Err(error) => return Err(error),
    };
    Ok(Read::of(plan, &bytes))
}

/// Moves a damaged document out of the way, and says where it is now.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".damaged");
    let aside = path.with_file_name(name);
    fs::rename(path, &aside)?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::inventory::Account;

    fn news(account: &str) -> News {
        let id = account.parse().unwrap();
        News { accounts: vec![(id, Account::new("dev".into()))], ..News::default() }
    }

    fn at(path: &Path) -> Kept {
        Kept {
            place: Place::File(path.to_owned()),
            plan: "net".to_owned(),
            inventory: Inventory::empty("net"),
            told: false,
        }
    }

    fn found(path: &Path) -> Inventory {
        match read("net", path).unwrap() {
            Read::Found(inventory) => inventory,
            Read::Nothing => panic!("nothing"),
            Read::Damaged(why) => panic!("{why}"),
        }
    }

    #[tokio::test]
    async fn two_runs_that_know_nothing_of_each_other_both_add_what_they_have_to_tell() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/net.json");
        let (mut one, mut other) = (at(&path), at(&path));
        one.add(news("111111111111")).await;
        other.add(news("222222222222")).await;
        assert_eq!(found(&path).accounts.len(), 2);
        let files = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(files, 2, "nothing is left beside it but the lock");
    }

    #[tokio::test(start_paused = true)]
    async fn what_another_process_is_about_to_write_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.json");
        let held = lock::folder(folder.path()).await;
        // The other has read, and has not written yet.
        let mut others = Inventory::empty("net");
        others.take_in(news("222222222222"));
        let writing = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            disk::write_private(&path, &others.written()).unwrap();
            drop(held);
        };
        let mut one = at(&path);
        tokio::join!(one.add(news("111111111111")), writing);
        assert_eq!(found(&path).accounts.len(), 2);
    }

    #[test]
    fn many_that_write_at_once_lose_nothing_of_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.json");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                    for account in 0..10 {
                        runtime.block_on(at(path).add(news(&format!("1111111111{writer}{account}"))));
                    }
                });
            }
        });
        assert_eq!(found(&path).accounts.len(), 40);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn it_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory/net.json");
        at(&path).add(news("111111111111")).await;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }

    #[tokio::test]
    async fn a_damaged_one_is_set_aside_and_the_next_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.json");
        fs::write(&path, "{ half").unwrap();
        at(&path).add(news("111111111111")).await;
        assert_eq!(found(&path).accounts.len(), 1);
        assert_eq!(fs::read_to_string(folder.path().join("net.json.damaged")).unwrap(), "{ half");
    }

    #[tokio::test]
    async fn where_it_cannot_be_written_the_run_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let mut kept = at(&folder.path().join("file/net.json"));
        kept.add(news("111111111111")).await;
        assert!(kept.told);
        kept.add(news("222222222222")).await;
    }
}
