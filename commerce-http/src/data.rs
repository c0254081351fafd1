//! The folder that keeps a shop's data, and the lock that lets one server at a time use a database.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// It does not exist and cannot be created.
    #[error("cannot create the data folder {}", .path.display())]
    Create {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is there, but files in it cannot be written.
    #[error("cannot write to the data folder {}", .path.display())]
    Write {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A database file is to be in a folder that does not exist.
    #[error("there is no folder {} for the database file: make it first", .path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Another server uses the same data.
    #[error("another commerce server runs on {}: stop it, or choose another data folder", .path.display())]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The lock itself failed.
    #[error("cannot lock {}", .path.display())]
    Lock {
        /// The file that serves as lock.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A folder that exists and can be written.
#[derive(Debug, Clone)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// Opens the folder, creating it and those above it if need be.
    ///
    /// # Errors
    /// When it cannot be created or written.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let create = |source| DataError::Create { path: path.to_owned(), source };
        let mut folders = fs::DirBuilder::new();
        // What a shop knows of its customers is for nobody else on the machine.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
        folders.recursive(true).create(path).map_err(create)?;
        let path = path.canonicalize().map_err(create)?;
        // The answer that counts is that of the system when a file is made.
        let trial = path.join(format!(".write-{}", std::process::id()));
        let tried = File::create(&trial).and_then(|_| fs::remove_file(&trial));
        tried.map_err(|source| DataError::Write { path: path.clone(), source })?;
        Ok(Self(path))
    }

    /// The folder as an absolute path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// That this process is the one server on a database file, until it is dropped or the process ends,
/// however it ends. Imports and tokens need no lock: the database keeps them and the server apart.
#[derive(Debug)]
pub struct ServerLock {
    _file: File,
}

impl ServerLock {
    /// Claims a database file, in the data folder or outside; it need not exist yet.
    ///
    /// # Errors
    /// When another server has it.
    pub fn of_file(database: &Path) -> Result<Self, DataError> {
        require_folder(database)?;
        // Another name of the same file is the same claim.
        let database = database.canonicalize().unwrap_or_else(|_| database.to_owned());
        let mut name: OsString = database.clone().into_os_string();
        name.push(".server.lock");
        let path = PathBuf::from(name);
        let failed = |source| DataError::Lock { path: path.clone(), source };
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DataError::InUse { path: database }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// Refuses a database file in a folder that does not exist: more likely than not its name is
/// mistyped.
///
/// # Errors
/// [`DataError::NoFolder`].
pub fn require_folder(database: &Path) -> Result<(), DataError> {
    match database.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(DataError::NoFolder { path: folder.to_owned() })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_and_nothing_left_in_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        assert!(DataFolder::open(&path).unwrap().path().is_absolute());
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap());
            assert_eq!(mode & 0o777, 0o700);
        }
        DataFolder::open(&path).unwrap();
        assert!(fs::read_dir(&path).unwrap().next().is_none());
    }

    #[test]
    fn a_database_file_is_claimed_by_any_of_its_names() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("shop.db");
        File::create(&file).unwrap();
        let lock = ServerLock::of_file(&file).unwrap();
        let detour = root.path().join("../").join(root.path().file_name().unwrap()).join("shop.db");
        assert!(matches!(ServerLock::of_file(&detour), Err(DataError::InUse { .. })));
        drop(lock);
        ServerLock::of_file(&detour).unwrap();
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        File::create(&file).unwrap();
        assert!(matches!(DataFolder::open(&file), Err(DataError::Create { .. })));
        assert!(matches!(DataFolder::open(&file.join("below")), Err(DataError::Create { .. })));
    }
}
