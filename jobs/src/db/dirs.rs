//! The data directory: everything a deployment keeps, in one place.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// `CRM_DATA_DIR` and what lies in it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DataDir(Arc<Path>);

impl DataDir {
    /// Creates the directory and its sub-folders, readable by the owner only.
    pub fn create(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        if !path.exists() {
            builder.create(path)?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
        }
        let dir = Self(path.canonicalize()?.into());
        builder.create(dir.backups())?;
        builder.create(dir.run())?;
        builder.create(dir.files())?;
        builder.create(dir.exports())?;
        Ok(dir)
    }

    /// A directory that is there already, whatever is in it: nothing is made.
    pub fn existing(path: &Path) -> io::Result<Self> {
        Ok(Self(path.canonicalize()?.into()))
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.0.join("crm.db")
    }

    /// Verified backups and their manifests.
    pub fn backups(&self) -> PathBuf {
        self.0.join("backups")
    }

    /// What people attached to investors, named by its SHA-256.
    pub fn files(&self) -> PathBuf {
        self.0.join("files")
    }

    /// Archives to take away, for a day each, and what is being written.
    pub fn exports(&self) -> PathBuf {
        self.0.join("exports")
    }

    /// Locks and wake-up sockets of the workers that live now.
    pub fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    /// What is being looked at before a restore, and its way in.
    pub fn restore(&self) -> PathBuf {
        self.0.join("restore")
    }

    /// Databases that a restore replaced, as they were.
    pub fn replaced(&self) -> PathBuf {
        self.0.join("replaced")
    }

    /// The box's own key for encrypted backups. In no backup.
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }
}
