//! Where the file is: the folders of each system, and names that can be a file's.

use crate::{Error, Result, store::record::hash};
use std::{
    env,
    path::{Path, PathBuf},
};

pub(super) const NAME: &str = "auth.json";
/// In bytes, before the hash: with what is put before and after, it fits every file system.
const LONGEST_NAME: usize = 64;

/// The file of programs called `client_name`. `instance` tells services apart that are not
/// Parallel's own.
pub(super) fn default_file(client_name: &str, instance: Option<&str>) -> Result<PathBuf> {
    let name = match instance {
        None => NAME.to_owned(),
        Some(instance) => format!("auth-{}.json", as_name(instance)),
    };
    Ok(config_folder()?.join(as_name(client_name)).join(name))
}

/// A file name for `text`, and another one for every other text, also where a file system takes
/// capitals for small letters: a text that can be a name stays as it is, all others get a hash.
fn as_name(text: &str) -> String {
    if is_name(text) {
        return text.to_owned();
    }
    let mut name = String::new();
    for c in text.chars() {
        let c = match c.is_alphanumeric() || c == '_' {
            true => c,
            false if name.is_empty() || name.ends_with('-') => continue,
            false => '-',
        };
        if name.len() + c.len_utf8() > LONGEST_NAME {
            break;
        }
        name.push(c);
    }
    let name = match name.trim_end_matches('-') {
        "" => "account",
        name => name,
    };
    format!("{name}-{:016x}", hash(text))
}

/// Whether every file system takes `text` as it is, and no other text gets it as its name.
fn is_name(text: &str) -> bool {
    let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-');
    let hashed = text.rsplit_once('-').is_some_and(|(_, end)| {
        end.len() == 16 && end.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    (1..=LONGEST_NAME).contains(&text.len())
        && text.chars().all(allowed)
        && !text.starts_with('.')
        && !text.ends_with('.')
        && !hashed
        && !is_reserved(text)
}

/// Names that Windows keeps for devices, with any ending.
fn is_reserved(text: &str) -> bool {
    let stem = text.split('.').next().unwrap_or_default();
    let numbered = |name: &str| {
        stem.strip_prefix(name).is_some_and(|rest| {
            rest.len() == 1 && rest != "0" && rest.as_bytes()[0].is_ascii_digit()
        })
    };
    matches!(stem, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

/// Whether `path` can be a file's.
pub(super) fn check(path: &Path) -> Result<()> {
    let refuse = |why: &str| {
        Err(Error::config(format!(
            "The path of the credentials file {why}. Give the path of a file, such as credentials/{NAME}."
        )))
    };
    let text = path.as_os_str().as_encoded_bytes();
    if text.is_empty() {
        return refuse("must not be empty");
    }
    if text.contains(&0) {
        return refuse("must not contain a NUL character");
    }
    let separator = |byte: &u8| std::path::is_separator(char::from(*byte));
    match text.rsplit(separator).next() {
        Some(b"") => refuse("must not end with a separator"),
        Some(b"." | b"..") => refuse("must not end with a dot or two dots as its last part"),
        _ => Ok(()),
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

pub(super) fn home() -> Result<PathBuf> {
    let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
    home.ok_or_else(|| {
        let variable = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        Error::store(
            format!("There is no home folder to keep credentials in. Set {variable}, or name a file by FileStore(path)."),
            None,
        )
    })
}

fn config_folder() -> Result<PathBuf> {
    if cfg!(windows)
        && let Some(folder) = variable("APPDATA")
    {
        return Ok(folder);
    }
    if cfg!(target_vendor = "apple") {
        return Ok(home()?.join("Library").join("Application Support"));
    }
    match variable("XDG_CONFIG_HOME").filter(|folder| folder.is_absolute()) {
        Some(folder) => Ok(folder),
        None => Ok(home()?.join(".config")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_that_can_be_files_stay_and_all_others_differ() {
        for plain in ["my-app", "a", "stripe.com_2", "127.0.0.1-8080"] {
            assert_eq!(as_name(plain), plain);
        }
        let long = "x".repeat(256);
        let longer = "日".repeat(85);
        let texts = [
            "my-app",
            "my app",
            "my/app",
            "My-App",
            "MY-APP",
            "my-app.",
            ".my-app",
            "..",
            ".",
            "/",
            " ",
            "con",
            "com1.txt",
            "lpt9",
            "a\u{301}",
            "á",
            "日本",
            &long[..64],
            &long[..65],
            &long,
            &longer,
            // What another text's name would be.
            "my-app-0123456789abcdef",
        ];
        let names: Vec<String> = texts.iter().map(|text| as_name(text)).collect();
        let distinct: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(distinct.len(), texts.len(), "{names:?}");
        for name in &names {
            assert!(name.len() <= 81, "{name}");
            assert!(!name.starts_with(['.', '-']), "{name}");
            assert!(!name.contains(['/', '\\', ' ', ':']), "{name}");
        }
        assert!(names[1].starts_with("my-app-"), "{names:?}");
        assert_eq!(
            as_name(&long).len(),
            LONGEST_NAME + "-0123456789abcdef".len()
        );
    }

    #[test]
    fn names_of_windows_devices_are_no_files() {
        for device in ["con", "nul", "prn.txt", "aux", "com1", "com9.txt", "lpt5"] {
            let name = as_name(device);
            assert!(name.starts_with(&format!("{}-", device.replace('.', "-"))));
        }
        for name in ["console", "com", "com0", "com10", "comx", "lpt", "my-con"] {
            assert_eq!(as_name(name), name);
        }
    }

    #[test]
    fn each_service_has_a_file_of_its_own() {
        let file = |instance| default_file("my app", instance).expect("a home");
        let own = file(None);
        assert!(own.ends_with(NAME), "{own:?}");
        let local = file(Some("127.0.0.1-8080"));
        assert!(local.ends_with("auth-127.0.0.1-8080.json"), "{local:?}");
        assert_eq!(local.parent(), own.parent());
        let other = file(Some("http://127.0.0.1:8080/x"));
        assert!(
            other.parent() == own.parent() && other != local,
            "{other:?}"
        );
    }

    #[test]
    fn paths_that_no_file_can_have_are_refused() {
        for bad in ["", "a\0b", "a/", "a/..", "..", ".", "a/.", "/"] {
            let error = check(Path::new(bad)).expect_err(bad);
            assert_eq!(error.code(), "config");
            assert!(error.message().contains("Give"), "{error}");
        }
        for good in ["a", "a/b.json", "../a", "./a", "/x/..y", "a b"] {
            check(Path::new(good)).expect(good);
        }
    }
}
