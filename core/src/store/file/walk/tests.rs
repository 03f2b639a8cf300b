use super::*;
use crate::store::file::tests::Scratch;
use std::{
    env, fs,
    os::unix::{
        fs::{PermissionsExt, chown, lchown, symlink},
        process::CommandExt,
    },
    process::Command,
};

fn ino(folder: &File) -> u64 {
    folder.metadata().expect("open").ino()
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).expect("there").ino()
}

#[test]
fn the_way_is_the_systems() {
    let scratch = Scratch::new();
    let base = fs::canonicalize(scratch.path()).expect("there");
    fs::create_dir_all(base.join("a/b")).expect("made");
    symlink("a/b", base.join("near")).expect("linked");
    symlink(base.join("a"), base.join("far")).expect("linked");
    symlink("../..", base.join("a/b/up")).expect("linked");
    symlink("/", base.join("top")).expect("linked");
    symlink("round", base.join("round")).expect("linked");
    for pass in [PASS, OFlags::RDONLY] {
        for (path, same) in [
            ("a/b", "a/b"),
            ("a/../a/./b", "a/b"),
            ("near", "a/b"),
            ("far/b", "a/b"),
            ("near/up/far", "a"),
            ("near/..", "a"),
        ] {
            let opened = Walk::through(pass, &base.join(path), false);
            let opened = opened.expect(path).expect(path);
            assert_eq!(ino(&opened), inode(&base.join(same)), "{path}");
        }
        let top = Walk::through(pass, &base.join("top"), false).expect("opened");
        assert_eq!(ino(&top.expect("there")), inode(Path::new("/")));
        let here = Walk::through(pass, Path::new(""), false).expect("opened");
        assert_eq!(ino(&here.expect("there")), inode(Path::new(".")));
        let nothing = Walk::through(pass, &base.join("a/x/y"), false);
        assert!(nothing.expect("looked").is_none());
        Walk::through(pass, &base.join("round"), false).expect_err("without an end");
        fs::write(base.join("file"), "").expect("written");
        Walk::through(pass, &base.join("file/x"), true).expect_err("no folder");
    }
}

#[test]
fn as_many_links_are_followed_as_the_system_follows() {
    let scratch = Scratch::new();
    let base = fs::canonicalize(scratch.path()).expect("there");
    fs::create_dir(base.join("0")).expect("made");
    for link in 1..=41 {
        symlink((link - 1).to_string(), base.join(link.to_string())).expect("linked");
    }
    let opened = folder(&base.join("40"), false).expect("opened");
    assert_eq!(ino(&opened.expect("there")), inode(&base.join("0")));
    folder(&base.join("41"), false).expect_err("one too many");
}

#[test]
fn what_is_missing_is_made_also_behind_a_link() {
    let scratch = Scratch::new();
    let base = fs::canonicalize(scratch.path()).expect("there");
    symlink("new/deep", base.join("link")).expect("linked");
    let made = folder(&base.join("link/er"), true).expect("made");
    assert_eq!(ino(&made.expect("there")), inode(&base.join("new/deep/er")));
    let mode = fs::metadata(base.join("new")).expect("there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o700);
}

#[test]
fn somebody_elses_link_is_not_followed() {
    if !geteuid().is_root() {
        return;
    }
    let scratch = Scratch::new();
    fs::create_dir(scratch.path().join("real")).expect("made");
    let link = scratch.path().join("link");
    symlink("real", &link).expect("linked");
    lchown(&link, Some(1234), Some(1234)).expect("as root");
    let Err(Problem::Refused(sentence)) = folder(&link.join("x"), true) else {
        panic!("followed");
    };
    assert!(sentence.contains("link of another user"), "{sentence}");
    assert!(!scratch.path().join("real/x").exists());
}

#[test]
fn what_was_put_in_the_place_of_a_new_folder_is_not_given_away() {
    if !geteuid().is_root() {
        return;
    }
    let scratch = Scratch::new();
    let theirs = scratch.path().join("theirs");
    for name in ["new", "full/of roots", "strange"] {
        fs::create_dir_all(theirs.join(name)).expect("made");
    }
    chown(&theirs, Some(1234), Some(1234)).expect("as root");
    chown(theirs.join("strange"), Some(4321), None).expect("as root");
    let owner = |name: &str| fs::metadata(theirs.join(name)).expect("there").uid();
    let give = |name: &str| {
        let walk = Walk {
            at: File::open(&theirs).expect("opened"),
            below: name.into(),
            pass: PASS,
        };
        walk.give(&File::open(theirs.join(name)).expect("opened"), &theirs)
    };
    assert!(give("new").is_ok());
    assert_eq!(owner("new"), 1234);
    for (name, before) in [("full", 0), ("strange", 4321)] {
        let Err(Problem::Refused(sentence)) = give(name) else {
            panic!("{name} was given away");
        };
        assert!(sentence.contains("was replaced"), "{sentence}");
        assert_eq!(owner(name), before);
    }
}

const CHILD: &str = "PARALLEL_ACCOUNT_TEST_WALK";

/// What the next test runs as another user.
#[test]
fn child() {
    let Some(path) = env::var_os(CHILD) else {
        return;
    };
    for pass in [PASS, OFlags::RDONLY] {
        let opened = Walk::through(pass, Path::new(&path), true);
        println!("child: {}", opened.is_ok_and(|folder| folder.is_some()));
    }
}

/// Such as `/home` is: passing is allowed and listing is not, and not every system tells apart
/// which of them we want.
#[test]
fn a_folder_that_may_not_be_listed_can_be_passed() {
    if !geteuid().is_root() {
        return;
    }
    let scratch = Scratch::new();
    let base = scratch.path();
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set(base, 0o711).expect("set");
    let theirs = base.join("theirs");
    fs::create_dir(&theirs).expect("made");
    chown(&theirs, Some(65534), Some(65534)).expect("as root");
    // The build's own folder may be closed to others.
    let program = base.join("program");
    fs::copy(env::current_exe().expect("a path"), &program).expect("copied");
    set(&program, 0o755).expect("set");
    let said = |base: &Path| {
        let output = Command::new(&program)
            .args(["--exact", "store::file::walk::tests::child", "--nocapture"])
            .env(CHILD, base.join("theirs/sub"))
            .current_dir("/")
            .uid(65534)
            .gid(65534)
            .output()
            .expect("started");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.matches("child: true").count()
    };
    assert_eq!(said(base), 2);
    assert_eq!(fs::metadata(theirs.join("sub")).expect("made").uid(), 65534);
    // One that a third user could replace is only passed where that cannot happen on the way.
    chown(base, Some(1234), Some(1234)).expect("as root");
    let expected = if PASS == OFlags::RDONLY { 0 } else { 1 };
    assert_eq!(said(base), expected);
}
