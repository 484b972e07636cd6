//! Files below `public/system`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::StorageError;
use crate::config::DiskConfig;

pub fn put(disk: &DiskConfig, key: &str, body: &[u8]) -> Result<(), StorageError> {
    let path = disk.root.join(key);
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, body));
    written.map_err(|source| failed(&path, source))
}

/// The folders that it leaves empty go too, as with Paperclip.
pub fn delete(disk: &DiskConfig, key: &str) -> Result<(), StorageError> {
    let path = disk.root.join(key);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&path, error)),
        _ => {}
    }
    for folder in path.ancestors().skip(1).take_while(|folder| *folder != disk.root) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

fn failed(path: &Path, source: std::io::Error) -> StorageError {
    StorageError::Disk { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deleted_takes_its_empty_folders_along() {
        let folder = tempfile::tempdir().unwrap();
        let disk = DiskConfig { root: folder.path().to_owned(), url: String::new() };
        put(&disk, "accounts/avatars/000/000/001/original/a.png", b"a").unwrap();
        put(&disk, "accounts/avatars/000/000/002/original/b.png", b"b").unwrap();
        delete(&disk, "accounts/avatars/000/000/001/original/a.png").unwrap();
        delete(&disk, "accounts/avatars/000/000/001/original/a.png").unwrap();
        assert!(!folder.path().join("accounts/avatars/000/000/001").exists());
        assert_eq!(fs::read(folder.path().join("accounts/avatars/000/000/002/original/b.png")).unwrap(), b"b");
    }
}
