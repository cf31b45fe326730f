//! Where inventories are kept.
#![expect(clippy::disallowed_methods, reason = "this is the edge where the inventory is read and written")]

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::inventory::{Inventory, News};

use super::args::Target;
use super::{disk, terminal};

/// The folder of inventories, from the directory that orch was started in.
const FOLDER: &str = ".orch/inventory";

/// The same for plans that run on the embedded AWS.
const LOCAL_FOLDER: &str = ".orch/local/inventory";

/// Where the inventory of one plan is kept.
#[derive(Clone, Debug)]
pub(super) enum Store {
    /// In a file.
    File(PathBuf),
}

/// An inventory, and where it is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    store: Store,
    plan: String,
    /// As it was read.
    pub(super) inventory: Inventory,
    /// Whether it was said that it cannot be written.
    told: bool,
}

/// What came of reading.
enum Read {
    Found(Inventory),
    Nothing,
    /// There is something, which is no inventory of this plan: why.
    Damaged(String),
}

impl Kept {
    /// Reads the inventory of a plan. What cannot be read counts as empty and is told: nothing depends on it but what is
    /// found again.
    pub(super) async fn open(plan: &str, target: &Target) -> Self {
        let folder = Path::new(if target.local { LOCAL_FOLDER } else { FOLDER });
        let store = Store::File(folder.join(format!("{plan}.json")));
        let inventory = match store.read(plan).await {
            Ok(Read::Found(inventory)) => Some(inventory),
            Ok(Read::Nothing) => None,
            Ok(Read::Damaged(why)) => {
                terminal::notice(&format!(
                    "warning: the inventory {store} cannot be used: {why}\n  help: the next apply sets it aside and begins anew; until then, accounts that left the plan are not looked into\n"
                ));
                None
            }
            Err(error) => {
                terminal::notice(&format!(
                    "warning: the inventory {store} cannot be read: {error}\n  help: accounts that left the plan are not looked into\n"
                ));
                None
            }
        };
        let inventory = inventory.unwrap_or_else(|| Inventory::empty(plan));
        Self { store, plan: plan.to_owned(), inventory, told: false }
    }

    /// Adds what a run has to tell. That it cannot be written is told once and stops nothing.
    pub(super) async fn add(&mut self, news: News) {
        if news.is_empty() {
            return;
        }
        // Another run may have written meanwhile.
        let written = match self.store.read(&self.plan).await {
            Ok(Read::Found(latest)) => {
                self.inventory = latest;
                Ok(())
            }
            Ok(Read::Nothing) => Ok(()),
            Ok(Read::Damaged(_)) => self.store.set_aside().await.map(|aside| {
                terminal::notice(&format!("the damaged inventory was set aside as {aside}\n"));
            }),
            Err(error) => Err(error),
        };
        let written = match written {
            Ok(()) => {
                let before = self.inventory.written();
                self.inventory.take_in(news);
                let after = self.inventory.written();
                if before == after && self.store.is_there().await { Ok(()) } else { self.store.write(&after).await }
            }
            Err(error) => Err(error),
        };
        if let Err(error) = written
            && !std::mem::replace(&mut self.told, true)
        {
            terminal::notice(&format!(
                "warning: the inventory {} cannot be written: {error}\n  help: what leaves the plan may not be found later in accounts that the plan names no more\n",
                self.store
            ));
        }
    }
}

impl std::fmt::Display for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
        }
    }
}

// Reading and writing may wait for a network where another store does, so they are futures here too.
impl Store {
    #[expect(clippy::unused_async, reason = "a store at AWS is waited for")]
    async fn read(&self, plan: &str) -> io::Result<Read> {
        let Self::File(path) = self;
        let bytes = match disk::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Read::Nothing),
            Err(error) => return Err(error),
        };
        Ok(match Inventory::read(plan, &bytes) {
            Ok(inventory) => Read::Found(inventory),
            Err(damaged) => Read::Damaged(damaged.to_string()),
        })
    }

    #[expect(clippy::unused_async, reason = "a store at AWS is waited for")]
    async fn is_there(&self) -> bool {
        let Self::File(path) = self;
        path.exists()
    }

    /// Writes the whole document so that a reader finds the one before or this one, and only its owner may read it.
    #[expect(clippy::unused_async, reason = "a store at AWS is waited for")]
    async fn write(&self, text: &str) -> io::Result<()> {
        let Self::File(path) = self;
        private_folder(path.parent().unwrap_or_else(|| Path::new(".")))?;
        let fresh = beside(path, &format!("{}.new", std::process::id()));
        let written = (|| {
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            {
                use std::os::unix::fs::OpenOptionsExt as _;
                options.mode(0o600);
            }
            let mut file = options.open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, path)
        })();
        written.inspect_err(|_| drop(fs::remove_file(&fresh)))
    }

    /// Moves a damaged document out of the way, and says where it is now.
    #[expect(clippy::unused_async, reason = "a store at AWS is waited for")]
    async fn set_aside(&self) -> io::Result<String> {
        let Self::File(path) = self;
        let aside = beside(path, "damaged");
        fs::rename(path, &aside)?;
        Ok(aside.display().to_string())
    }
}

/// The path of a file beside another one: its name and an ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Account;

    fn news(account: &str) -> News {
        let id = account.parse().unwrap();
        News { accounts: vec![(id, Account::new("dev".into()))], ..News::default() }
    }

    fn at(path: &Path) -> Kept {
        Kept {
            store: Store::File(path.to_owned()),
            plan: "net".to_owned(),
            inventory: Inventory::empty("net"),
            told: false,
        }
    }

    async fn found(path: &Path) -> Inventory {
        match Store::File(path.to_owned()).read("net").await.unwrap() {
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
        assert_eq!(found(&path).await.accounts.len(), 2);
        let files = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(files, 1, "nothing is left beside it");
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
        assert_eq!(found(&path).await.accounts.len(), 1);
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
