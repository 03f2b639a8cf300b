//! Where the scenarios are.

use std::{collections::BTreeMap, fs, path::PathBuf};

/// The file of each scenario by its name, which is unique in all folders. `common` holds what they
/// share.
pub(crate) fn scenarios() -> BTreeMap<String, PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios");
    let mut found = BTreeMap::new();
    for area in fs::read_dir(root).expect("the scenarios") {
        let area = area.expect("an entry").path();
        if !area.is_dir() || area.ends_with("common") {
            continue;
        }
        for file in fs::read_dir(&area).expect("a folder") {
            let file = file.expect("a file").path();
            if file
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let name = file.file_stem().expect("a name").to_string_lossy();
                let twin = found.insert(name.clone().into_owned(), file.clone());
                assert!(twin.is_none(), "there are two scenarios {name}");
            }
        }
    }
    found
}
