//! From the paths a person names to the rule files they mean.

use std::path::{Path, PathBuf};

/// A path that leads to no rule file.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// It does not exist, or cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A folder without rules.
    #[error("{} holds no .hcl file", .0.display())]
    Empty(PathBuf),
}

/// The rule files that these paths mean, each once, in the order of names.
pub fn rule_files<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> Result<Vec<PathBuf>, PathError> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(meant_by(path)?.iter().map(|file| plain(file).to_owned()));
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// A path without the `./` in front.
pub fn plain(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

/// A file as it is, or every `.hcl` file of a folder and of the folders in it.
fn meant_by(path: &Path) -> Result<Vec<PathBuf>, PathError> {
    let unreadable = |source| PathError::Unreadable { path: path.to_owned(), source };
    if !path.metadata().map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    collect(path, &mut found)?;
    if found.is_empty() { Err(PathError::Empty(path.to_owned())) } else { Ok(found) }
}

/// Hidden files and folders are left alone; links to folders are not followed, so that there are no rings.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), PathError> {
    let unreadable = |source| PathError::Unreadable { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if !hidden {
                collect(&path, found)?;
            }
        } else if !hidden && path.extension().is_some_and(|extension| extension == "hcl") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_means_the_rule_files_in_it_and_below() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("team")).unwrap();
        std::fs::create_dir_all(at(".git")).unwrap();
        for name in ["b.hcl", "team/a.hcl", ".git/c.hcl", "notes.md"] {
            std::fs::write(at(name), "").unwrap();
        }
        let files = |name: &str| rule_files([&at(name)]);
        assert_eq!(files("").unwrap(), [at("b.hcl"), at("team/a.hcl")]);
        assert_eq!(files("notes.md").unwrap(), [at("notes.md")]);
        assert_eq!(files(".git").unwrap(), [at(".git/c.hcl")], "what is asked for by name is not hidden");
        assert_eq!(rule_files([&at("b.hcl"), &at("team"), &at("team/a.hcl")]).unwrap().len(), 2);
        assert!(matches!(files("gone"), Err(PathError::Unreadable { .. })));
        std::fs::create_dir(at("bare")).unwrap();
        assert!(matches!(files("bare"), Err(PathError::Empty(_))));
        assert_eq!(plain(Path::new("./a.hcl")), Path::new("a.hcl"));
    }
}
