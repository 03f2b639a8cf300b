//! What others may have planted in the folder of the credentials, what each kind of user makes of
//! it, and that nothing outside of that folder is changed. `--nocapture` prints the table.

#![cfg(unix)]

use parallel_account::{AccountClient, Error, FileStore};
use rustix::process::geteuid;
use serde_json::json;
use std::{
    collections::BTreeMap,
    env, fs,
    io::Read,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, lchown, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Whom the folder belongs to where it is not root's, and somebody who has nothing to do with it.
const OWNER: u32 = 65534;
const STRANGER: u32 = 1234;
const CALLS: [&str; 3] = ["status", "select", "logout_all"];
/// For one process that makes one call; only a hang comes near it.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq)]
enum User {
    RootElsewhere,
    RootAtHome,
    OrdinaryAtHome,
}
use User::*;

impl User {
    fn id(self) -> u32 {
        match self {
            RootElsewhere | RootAtHome => 0,
            OrdinaryAtHome if geteuid().is_root() => OWNER,
            OrdinaryAtHome => geteuid().as_raw(),
        }
    }

    fn folders_owner(self) -> u32 {
        match self {
            RootElsewhere => OWNER,
            RootAtHome | OrdinaryAtHome => self.id(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Planted {
    Nothing,
    LinkToRootsFile,
    LinkToOwnFile,
    Fifo,
    LinkToDevZero,
    Folder,
    TwoMebibytes,
    HardLink,
    StrangersFile,
    LockLink,
    LockFifo,
    TemporaryLink,
    LinkOnTheWay,
}
use Planted::*;

const ALL: [Planted; 13] = [
    Nothing,
    LinkToRootsFile,
    LinkToOwnFile,
    Fifo,
    LinkToDevZero,
    Folder,
    TwoMebibytes,
    HardLink,
    StrangersFile,
    LockLink,
    LockFifo,
    TemporaryLink,
    LinkOnTheWay,
];

impl Planted {
    fn needs_root(self) -> bool {
        matches!(self, LinkToRootsFile | StrangersFile | LockLink)
    }

    /// What every error must say; `None` where the call must work as if nothing was planted.
    fn refusal(self, user: User, call: &str) -> Option<&'static str> {
        match (self, user) {
            (Nothing | TemporaryLink, _) => None,
            (LinkToRootsFile | LinkToOwnFile | LinkToDevZero, _) => Some("is a symbolic link"),
            (Fifo, _) => Some("is a FIFO"),
            (Folder, _) => Some("is a folder"),
            (TwoMebibytes, _) => Some("is larger than 1 MiB"),
            (StrangersFile, _) => Some("belongs to another user"),
            (HardLink, RootElsewhere) => Some("belongs to another user"),
            (HardLink, RootAtHome) => Some("has a second name"),
            // Linux lets nobody plant one of somebody else's file.
            (HardLink, OrdinaryAtHome) => None,
            (LockLink | LockFifo, _) if call == "status" => None,
            (LockLink, _) => Some("auth.json.lock is a symbolic link"),
            (LockFifo, _) => Some("auth.json.lock is a FIFO"),
            (LinkOnTheWay, RootElsewhere) => Some("symbolic link of another user"),
            (LinkOnTheWay, _) => None,
        }
    }
}

fn record() -> String {
    let login = json!({"control_api": {"access_token": "at-canary"}});
    json!({"version": 1, "client_id": "c", "selected_org_id": "org_1",
        "orgs": {"org_1": login, "org_2": login}})
    .to_string()
}

/// A folder for the credentials with something planted in it, and another with what must not be
/// touched.
struct Scene {
    scratch: Scratch,
    file: PathBuf,
}

impl Scene {
    #[expect(
        clippy::too_many_lines,
        reason = "an arm for each thing that is planted"
    )]
    fn new(planted: Planted, user: User) -> Scene {
        let scratch = Scratch::new();
        let base = &scratch.0;
        let folder = base.join("folder");
        let outside = base.join("outside");
        for path in [&folder, &outside] {
            fs::create_dir(path).expect("a fresh folder");
        }
        let owner = user.folders_owner();
        let write = |path: &Path, content: &str, mode: u32, owner: u32| {
            fs::write(path, content).expect("written");
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
            chown(path, Some(owner), Some(owner)).expect("allowed");
        };
        let link = |target: &Path, link: &Path| {
            symlink(target, link).expect("linked");
            lchown(link, Some(owner), Some(owner)).expect("allowed");
        };
        let mut file = folder.join("auth.json");
        let victim = outside.join("victim");
        let victims_owner = if geteuid().is_root() { 0 } else { owner };
        // Too open on purpose: whoever takes it for ours would mend that.
        write(&victim, &record(), 0o644, victims_owner);
        let good = || write(&file, &record(), 0o600, owner);
        let lock = folder.join("auth.json.lock");
        match planted {
            Nothing => good(),
            LinkToRootsFile => link(&victim, &file),
            LinkToOwnFile => {
                chown(&victim, Some(owner), Some(owner)).expect("allowed");
                link(&victim, &file);
            }
            Fifo => fifo(&file, owner),
            LinkToDevZero => link(Path::new("/dev/zero"), &file),
            Folder => {
                fs::create_dir(&file).expect("made");
                chown(&file, Some(owner), Some(owner)).expect("allowed");
            }
            TwoMebibytes => {
                let long = record() + &" ".repeat(2 << 20);
                write(&file, &long, 0o600, owner);
            }
            HardLink => {
                if user == OrdinaryAtHome {
                    write(&victim, &record(), 0o600, owner);
                }
                fs::hard_link(&victim, &file).expect("linked");
            }
            StrangersFile => write(&file, &record(), 0o644, STRANGER),
            LockLink => {
                good();
                link(&victim, &lock);
            }
            LockFifo => {
                good();
                fifo(&lock, owner);
            }
            TemporaryLink => {
                good();
                link(&victim, &folder.join("auth.json.new"));
            }
            LinkOnTheWay => {
                // Root's own place, which a user would have changed; or the user's other one.
                let real = base.join("real");
                fs::create_dir(&real).expect("made");
                write(&real.join("auth.json"), &record(), 0o600, user.id());
                chown(&real, Some(user.id()), Some(user.id())).expect("allowed");
                link(&real, &folder.join("way"));
                file = folder.join("way").join("auth.json");
            }
        }
        chown(&folder, Some(owner), Some(owner)).expect("allowed");
        Scene { scratch, file }
    }

    /// Everything that must stay as it is: by path, what there is to know of it.
    fn untouchable(&self, refused: bool) -> BTreeMap<PathBuf, String> {
        let mut seen = BTreeMap::new();
        note(&self.scratch.0.join("outside"), &mut seen);
        if refused {
            note(&self.scratch.0.join("real"), &mut seen);
            note(&self.file, &mut seen);
            note(&self.file.with_file_name("auth.json.lock"), &mut seen);
        }
        let zero = fs::metadata("/dev/zero").expect("there");
        let zero = format!("{} {:o}", zero.uid(), zero.mode());
        seen.insert("/dev/zero".into(), zero);
        seen
    }
}

fn fifo(path: &Path, owner: u32) {
    let made = Command::new("mkfifo").arg(path).status().expect("started");
    assert!(made.success());
    chown(path, Some(owner), Some(owner)).expect("allowed");
}

fn note(path: &Path, seen: &mut BTreeMap<PathBuf, String>) {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return;
    };
    let mut known = format!("{} {} {:o} ", meta.uid(), meta.gid(), meta.mode());
    if meta.is_file() {
        known += &String::from_utf8_lossy(&fs::read(path).expect("read"));
    } else if meta.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            note(&entry.expect("there").path(), seen);
        }
    }
    seen.insert(path.to_owned(), known);
}

const FILE: &str = "PARALLEL_ACCOUNT_TEST_FILE";
const CALL: &str = "PARALLEL_ACCOUNT_TEST_CALL";

/// What the table runs as a process of its own, for each user and call.
#[tokio::test]
async fn child() {
    let (Ok(file), Ok(call)) = (env::var(FILE), env::var(CALL)) else {
        return;
    };
    match make(&call, FileStore::new(file)).await {
        Ok(()) => println!("\nchild: ok"),
        Err(error) => println!("\nchild: {} {error}", error.code()),
    }
    // Not waiting for a thread that hangs.
    std::process::exit(0);
}

async fn make(call: &str, store: FileStore) -> Result<(), Error> {
    let nowhere = "http://127.0.0.1:9";
    let client = AccountClient::builder()
        .platform_url(nowhere)
        .account_url(nowhere)
        .store(store)
        .build()?;
    match call {
        "status" => client
            .status()
            .await
            .map(|status| assert!(status.logged_in)),
        "select" => client.select_organization("org_2").await,
        "logout_all" => client.logout_all().await,
        other => panic!("no call {other}"),
    }
}

fn outcome(program: &Path, scene: &Scene, user: User, call: &str) -> String {
    let mut command = Command::new(program);
    command
        .args(["--exact", "child", "--nocapture"])
        .envs([(FILE, scene.file.as_os_str()), (CALL, call.as_ref())])
        .current_dir("/")
        .stdout(Stdio::piped());
    if user.id() != geteuid().as_raw() {
        command.uid(user.id()).gid(user.id());
    }
    let mut child = command.spawn().expect("started");
    let end = Instant::now() + PATIENCE;
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > end {
            child.kill().expect("ended");
            child.wait().expect("ended");
            return "hangs".into();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut text = String::new();
    let mut output = child.stdout.take().expect("piped");
    output.read_to_string(&mut text).expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix("child: "));
    line.unwrap_or(&text).to_owned()
}

/// The test program where every user may run it: the build's folder may be closed to others.
fn program() -> (Scratch, PathBuf) {
    let folder = Scratch::new();
    let program = folder.0.join("program");
    fs::copy(env::current_exe().expect("a path"), &program).expect("copied");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("set");
    (folder, program)
}

#[test]
fn nothing_planted_is_followed_owned_or_changed() {
    let users: &[User] = match geteuid().is_root() {
        true => &[RootElsewhere, OrdinaryAtHome, RootAtHome],
        false => &[OrdinaryAtHome],
    };
    let (_folder, program) = program();
    println!("| planted | user | status | select | logout_all |\n|---|---|---|---|---|");
    let mut wrong = Vec::new();
    for planted in ALL {
        if planted.needs_root() && !geteuid().is_root() {
            continue;
        }
        for user in users.iter().copied() {
            let mut row = format!("| {planted:?} | {user:?} |");
            for call in CALLS {
                let verdict = verdict(&program, planted, user, call);
                if verdict.contains("WRONG")
                    || verdict.contains("CHANGED")
                    || verdict.contains("NOT ")
                {
                    wrong.push(format!("{planted:?}, {user:?}, {call}: {verdict}"));
                }
                row += &format!(" {verdict} |");
            }
            println!("{row}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a call makes of what is planted; capitals say what is wrong about it.
fn verdict(program: &Path, planted: Planted, user: User, call: &'static str) -> String {
    let scene = Scene::new(planted, user);
    let refusal = planted.refusal(user, call);
    let before = scene.untouchable(refusal.is_some());
    let said = outcome(program, &scene, user, call);
    let right = match refusal {
        None => said == "ok",
        Some(why) => said.starts_with("store ") && said.contains(why),
    };
    let mut verdict = match refusal {
        None => "works".to_owned(),
        Some(why) => format!("refused: {why}"),
    };
    if !right {
        verdict = format!("WRONG: {said}");
    }
    let after = scene.untouchable(refusal.is_some());
    for (path, known) in &before {
        if after.get(path) != Some(known) {
            verdict += &format!(", CHANGED {}", path.display());
        }
    }
    let folder = scene.file.parent().expect("a folder");
    let written = fs::symlink_metadata(folder.join("auth.json.lock"));
    if refusal.is_none()
        && call != "status"
        && written.is_ok_and(|meta| meta.uid() != owner_of(&scene.file))
    {
        verdict += ", NOT ITS FOLDER'S OWNER'S";
    }
    verdict
}

/// Whom the file's folder belongs to.
fn owner_of(file: &Path) -> u32 {
    let folder = file.parent().expect("a folder");
    fs::metadata(folder).expect("there").uid()
}

/// Gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = format!(
            "parallel-account-hostile-{}-{:016x}",
            std::process::id(),
            fastrand::u64(..)
        );
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).expect("a fresh folder");
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
