//! Plans in memory, for tests.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{Files, Given, Loaded, Outside, Variable, load};

/// A disk in memory. What a plan names must not lead above the folder of the disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(pub(crate) BTreeMap<PathBuf, String>);

impl Disk {
    /// The same with one more file.
    pub(crate) fn with(mut self, path: &str, text: impl Into<String>) -> Self {
        self.0.insert(path.into(), text.into());
        self
    }

    /// The plan at a path.
    pub(crate) fn load(&self, path: &str) -> Loaded {
        self.load_with(path, &[], &[])
    }

    /// The same with variables and an environment.
    pub(crate) fn load_with(&self, path: &str, vars: &[(&str, &str)], env: &[(&str, &str)]) -> Loaded {
        let vars: Vec<_> = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let env = |name: &str| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| Variable::Value((*value).to_owned()))
        };
        load(Path::new(path), self, &Given { vars: &vars, env: &env })
    }
}

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read_named(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path.starts_with("..") { Err(Outside { folder: "network".into() }.into()) } else { self.read(path) }
    }
}
