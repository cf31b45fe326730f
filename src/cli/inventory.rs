//! Where inventories are kept.
#![expect(clippy::disallowed_methods, reason = "this is the edge where the inventory is read and written")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::inventory::{Inventory, News};

use super::args::Target;
use super::{disk, terminal};

/// The folder of inventories, from the directory that orch was started in.
const FOLDER: &str = ".orch/inventory";

/// The same for plans that run on the embedded AWS.
const LOCAL_FOLDER: &str = ".orch/local/inventory";

/// An inventory, and where it is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    path: PathBuf,
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
    pub(super) fn open(plan: &str, target: &Target) -> Self {
        let folder = Path::new(if target.local { LOCAL_FOLDER } else { FOLDER });
        let path = folder.join(format!("{plan}.json"));
        let shown = path.display();
        let inventory = match read(plan, &path) {
            Ok(Read::Found(inventory)) => Some(inventory),
            Ok(Read::Nothing) => None,
            Ok(Read::Damaged(why)) => {
                terminal::notice(&format!(
                    "warning: the inventory {shown} cannot be used: {why}\n  help: the next apply sets it aside and begins anew; until then, accounts that left the plan are not looked into\n"
                ));
                None
            }
            Err(error) => {
                terminal::notice(&format!(
                    "warning: the inventory {shown} cannot be read: {error}\n  help: accounts that left the plan are not looked into\n"
                ));
                None
            }
        };
        let inventory = inventory.unwrap_or_else(|| Inventory::empty(plan));
        Self { path, plan: plan.to_owned(), inventory, told: false }
    }

    /// Adds what a run has to tell. That it cannot be written is told once and stops nothing.
    pub(super) fn add(&mut self, news: News) {
        if news.is_empty() {
            return;
        }
        // Another run may have written meanwhile.
        let written = match read(&self.plan, &self.path) {
            Ok(Read::Found(latest)) => {
                self.inventory = latest;
                Ok(())
            }
            Ok(Read::Nothing) => Ok(()),
            Ok(Read::Damaged(_)) => set_aside(&self.path).map(|aside| {
                terminal::notice(&format!("the damaged inventory was set aside as {}\n", aside.display()));
            }),
            Err(error) => Err(error),
        };
        let written = written.and_then(|()| {
            let before = self.inventory.written();
            self.inventory.take_in(news);
            let after = self.inventory.written();
            if before == after && self.path.exists() {
                return Ok(());
            }
            private_folder(self.path.parent().unwrap_or_else(|| Path::new(".")))?;
            disk::write_private(&self.path, &after)
        });
        if let Err(error) = written
            && !std::mem::replace(&mut self.told, true)
        {
            terminal::notice(&format!(
                "warning: the inventory {} cannot be written: {error}\n  help: what leaves the plan may not be found later in accounts that the plan names no more\n",
                self.path.display()
            ));
        }
    }
}

fn read(plan: &str, path: &Path) -> io::Result<Read> {
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

/// Moves a damaged document out of the way, and says where it is now.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".damaged");
    let aside = path.with_file_name(name);
    fs::rename(path, &aside)?;
    Ok(aside)
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
        Kept { path: path.to_owned(), plan: "net".to_owned(), inventory: Inventory::empty("net"), told: false }
    }

    fn found(path: &Path) -> Inventory {
        match read("net", path).unwrap() {
            Read::Found(inventory) => inventory,
            Read::Nothing => panic!("nothing"),
            Read::Damaged(why) => panic!("{why}"),
        }
    }

    #[test]
    fn two_runs_that_know_nothing_of_each_other_both_add_what_they_have_to_tell() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/net.json");
        let (mut one, mut other) = (at(&path), at(&path));
        one.add(news("111111111111"));
        other.add(news("222222222222"));
        assert_eq!(found(&path).accounts.len(), 2);
        let files = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(files, 1, "nothing is left beside it");
    }

    #[cfg(unix)]
    #[test]
    fn it_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory/net.json");
        at(&path).add(news("111111111111"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn a_damaged_one_is_set_aside_and_the_next_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.json");
        fs::write(&path, "{ half").unwrap();
        at(&path).add(news("111111111111"));
        assert_eq!(found(&path).accounts.len(), 1);
        assert_eq!(fs::read_to_string(folder.path().join("net.json.damaged")).unwrap(), "{ half");
    }

    #[test]
    fn where_it_cannot_be_written_the_run_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let mut kept = at(&folder.path().join("file/net.json"));
        kept.add(news("111111111111"));
        assert!(kept.told);
        kept.add(news("222222222222"));
    }
}
