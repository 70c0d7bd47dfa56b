//! A disk that is really full.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::clock::Clock;

/// A small file system in memory, gone when dropped. Needs the right to mount one.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one of so many MiB; the reason if this user may not.
    ///
    /// # Errors
    /// What `mount` said.
    pub fn mount(mib: usize) -> Result<Self, String> {
        let place = std::env::temp_dir().join(format!("crm-disk-{}", Clock::System.new_id()));
        std::fs::create_dir(&place).map_err(|e| e.to_string())?;
        // From here on dropping it removes the folder.
        let disk = Self(place);
        let done = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={mib}m,mode=700"),
                "tmpfs",
            ])
            .arg(&disk.0)
            .output()
            .map_err(|e| e.to_string())?;
        if done.status.success() {
            Ok(disk)
        } else {
            Err(String::from_utf8_lossy(&done.stderr).into_owned())
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Writes until nothing more fits, then gives back so many bytes.
    ///
    /// # Panics
    /// If it cannot be written to at all.
    pub fn fill(&self, but: usize) {
        let mut file = std::fs::File::create(self.filler()).expect("a file for what fills it");
        let (block, mut written) = (vec![7_u8; 64 * 1024], 0_usize);
        while let Ok(n @ 1..) = file.write(&block) {
            written += n;
        }
        file.set_len(written.saturating_sub(but) as u64)
            .expect("a file can be shortened");
    }

    /// Takes away what filled it.
    ///
    /// # Panics
    /// If nothing did.
    pub fn make_room(&self) {
        std::fs::remove_file(self.filler()).expect("it was filled");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .stderr(std::process::Stdio::null())
            .status();
        let _ = std::fs::remove_dir(&self.0);
    }
}
