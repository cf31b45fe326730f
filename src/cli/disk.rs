//! Plan files and templates on the disk.
#![expect(clippy::disallowed_methods, reason = "this is the edge where files are read")]

use std::io;
use std::path::Path;

use crate::plan::Files;

/// The disk, seen from the directory that orch was started in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk;

/// The largest file that is read, in bytes: far above CloudFormation's limit of 1 MB for a template, and small enough
/// that a path like `/dev/zero` ends in an error instead of in swap.
const LARGEST: u64 = 16 * 1024 * 1024;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        use std::io::Read as _;

        let file = std::fs::File::open(path)?;
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_and_an_endless_file_are_errors() {
        assert_eq!(Disk.read(Path::new("/")).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        #[cfg(unix)]
        assert_eq!(Disk.read(Path::new("/dev/zero")).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
