"""The command inside Python: whatever a shell can see of it is what the binary shows.

What its subcommands do is tested for binary and packages alike, see tests/command.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from conftest import ROOT, Program, Sandbox

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="reads /proc")


def binary() -> Path:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    built = target / "debug" / "parallel-account"
    if not built.exists():
        subprocess.run(["cargo", "build", "-p", "parallel-account-cli"], cwd=ROOT, check=True)
    return built


SCRIPT = """\
import sys
from parallel_account._command import main
if __name__ == '__main__':
    sys.exit(main())
"""
"""As pip writes it. An interpreter into which the wheel is not installed has none."""


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What begins the command lines of the three: the binary's and those of the package."""
    script = Path(sys.executable).with_name("parallel-account")
    if not script.exists():
        script = tmp_path_factory.mktemp("bin") / "parallel-account"
        script.write_text(f"#!{sys.executable}\n{SCRIPT}")
        script.chmod(0o755)
    return {
        "binary": [str(binary())],
        "script": [str(script)],
        "module": [sys.executable, "-m", "parallel_account"],
    }


class Ended(NamedTuple):
    code: int
    output: bytes
    errors: bytes = b""


class Runner:
    """Runs the three forms of the command, each with a home of its own."""

    def __init__(self, commands: dict[str, list[str]], folder: Path, sandbox: Sandbox) -> None:
        self.commands = commands
        self.sandbox = sandbox
        self.store = folder / "auth.json"
        record = {"version": 1, "selected_org_id": "org_1", "orgs": {"org_1": {"api_key": "key-1"}}}
        self.store.write_text(json.dumps(record))
        self.store.chmod(0o600)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PARALLEL_PLATFORM_URL": sandbox.platform_url,
            "PARALLEL_SERVICE_API_URL": sandbox.account_url,
            # Where the wheel is not installed. The binary gets it too, as `exec` hands it down.
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        }

    def run(self, name: str, *arguments: Any, through: str = "", **options: Any) -> Ended:
        """Through a shell, if there are redirections."""
        line = [*self.commands[name], *arguments]
        if through:
            line = ["sh", "-c", f'exec "$@" {through}', "sh", *line]
        options = {"env": self.environment, "stdin": subprocess.DEVNULL, "timeout": 50, **options}
        for stream in ("stdout", "stderr"):
            options.setdefault(stream, subprocess.PIPE)
        ran = subprocess.run(line, **options)
        return Ended(ran.returncode, ran.stdout, ran.stderr)

    def exec(self, name: str, *arguments: Any, **options: Any) -> Ended:
        """Has the command start a program."""
        return self.run(name, "--store", self.store, "exec", "--", *arguments, **options)

    def same(self, run: Callable[[str], Any]) -> Any:
        """What all three do alike."""
        ran = {name: run(name) for name in self.commands}
        assert ran["script"] == ran["binary"]
        assert ran["module"] == ran["binary"]
        return ran["binary"]


@pytest.fixture
def runner(commands: dict[str, list[str]], tmp_path: Path, sandbox: Sandbox) -> Runner:
    return Runner(commands, tmp_path, sandbox)


def test_output_and_exit_codes(runner: Runner) -> None:
    version = runner.same(lambda name: runner.run(name, "--version"))
    assert version.code == 0
    assert version.output.startswith(b"parallel-account ")
    assert runner.same(lambda name: runner.run(name, "--help")).code == 0
    refused = runner.same(lambda name: runner.run(name, "no-such-command"))
    assert (refused.code, refused.output) == (2, b"")
    logged_out = runner.same(lambda name: runner.run(name, "status", "--json"))
    assert logged_out.code == 3
    json.loads(logged_out.output)


def test_pipes_that_nobody_reads(runner: Runner) -> None:
    def run(name: str) -> Ended:
        reader, writer = os.pipe()
        os.close(reader)
        try:
            return runner.run(name, "completion", "bash", stdout=writer)
        finally:
            os.close(writer)

    assert runner.same(run).errors == b""


@pytest.mark.parametrize("through", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_descriptors_that_are_closed(runner: Runner, through: str) -> None:
    """Nothing that the process opens gets their numbers, nor do they stay closed for `exec`."""
    runner.same(lambda name: runner.run(name, "status", through=through))
    # The shell expands before it redirects.
    links = " ".join(f'"$(readlink /proc/$$/fd/{it})"' for it in range(3))
    look = ["sh", "-c", f"""printf '%s\\n' {links} >"$0\""""]

    def run(name: str) -> tuple[int, list[bool]]:
        seen = runner.store.with_name(name)
        ended = runner.exec(name, *look, seen, through=through)
        return ended.code, [it == "/dev/null" for it in seen.read_text().splitlines()]

    code, null = runner.same(run)
    assert code == 0
    assert null[1:] == [">&-" in through.split(), "2>&-" in through.split()]


def test_what_exec_hands_down(runner: Runner) -> None:
    """The environment, also where Python changes it, signals, and descriptors."""
    for locale in ({}, {"LANG": "C"}, {"LC_CTYPE": "C"}, {"LC_CTYPE": "C.UTF-8"}, {"LC_ALL": "C"}):
        environment = {**runner.environment, **locale}
        ended = runner.same(lambda name, env=environment: runner.exec(name, "env", env=env))
        assert ended.code == 0, ended.errors
        expected = {**environment, "PARALLEL_API_KEY": "key-1"}
        assert dict(it.split("=", 1) for it in ended.output.decode().splitlines()) == expected
    signals = ["grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"]
    runner.same(lambda name: runner.exec(name, *signals))
    descriptors = runner.same(lambda name: runner.exec(name, "ls", "/proc/self/fd"))
    assert descriptors.output.split() == [b"0", b"1", b"2", b"3"]


def test_signals_that_the_parent_ignores(runner: Runner) -> None:
    """As under `nohup`, or in a shell's background job."""

    def ignore() -> None:
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    look = ["grep", "^SigIgn", "/proc/self/status"]
    assert runner.same(lambda name: runner.exec(name, *look, preexec_fn=ignore)).code == 0


def test_arguments_and_exit_codes_of_exec(runner: Runner) -> None:
    odd = [b"\xff\xfe", "", "ü\n", "--version", "$HOME"]
    ended = runner.same(lambda name: runner.exec(name, "printf", "%s|", *odd))
    assert ended.output == b"\xff\xfe||\xc3\xbc\n|--version|$HOME|"
    assert runner.same(lambda name: runner.exec(name, "sh", "-c", "exit 42")).code == 42
    killed = runner.same(lambda name: runner.exec(name, "sh", "-c", "kill -9 $$"))
    assert killed.code == -signal.SIGKILL
    assert runner.same(lambda name: runner.exec(name, "/no/such/program")).code != 0


@pytest.mark.parametrize("name", ["script", "module"])
def test_what_python_has_buffered_comes_first(runner: Runner, name: str) -> None:
    site = runner.store.with_name("site")
    site.mkdir()
    site.joinpath("sitecustomize.py").write_text(
        "import sys\nprint('first', end=' ')\nprint('oh', end=' ', file=sys.stderr)"
    )
    paths = [str(site), *runner.environment["PYTHONPATH"].split(os.pathsep)]
    environment = {**runner.environment, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    ended = runner.exec(name, "sh", "-c", "echo second; echo dear >&2", env=environment)
    assert ended == (0, b"first second\n", b"oh dear\n")
    ended = runner.run(name, "--version", env=environment)
    assert ended.output.startswith(b"first parallel-account ")


def test_ctrl_c_without_a_terminal(runner: Runner, sandbox: Sandbox) -> None:
    def run(name: str) -> Ended:
        sandbox.control("POST", "/reset")
        line = [*runner.commands[name], "login", "--no-browser"]
        process = subprocess.Popen(
            line,
            env={**runner.environment, "XDG_CONFIG_HOME": str(runner.store.with_name(name))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A shell's background jobs ignore Ctrl-C and hand that down to us.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert process.stderr is not None
        # The prompt has arrived, so the login waits.
        first = process.stderr.readline()
        while not sandbox.requests("token.poll"):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=50)
        assert first
        assert b"Traceback" not in errors
        return Ended(process.returncode, output)

    assert runner.same(run).code == 130


class Terminal:
    """A program in a pseudo-terminal of its own."""

    def __init__(self, line: list[str], environment: dict[str, str]) -> None:
        self.ours, self.theirs = pty.openpty()
        self.before = termios.tcgetattr(self.theirs)
        self.seen = b""
        self.process = subprocess.Popen(
            line,
            env={**environment, "TERM": "xterm"},
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=self.theirs,
            start_new_session=True,
            preexec_fn=self.prepare,
        )

    @staticmethod
    def prepare() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        # Whatever the runner of the tests ignores.
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)

    def read_until(self, there: Callable[[], bool]) -> None:
        """Reads what is written, so that nothing stops for want of a reader."""
        os.set_blocking(self.ours, False)
        deadline = time.monotonic() + 50
        while not there():
            # What ends too early is told apart from what hangs.
            ended = self.process.poll() is not None and not there()
            assert not ended, self.seen
            assert time.monotonic() < deadline, self.seen
            try:
                self.seen += os.read(self.ours, 65536)
            except BlockingIOError:
                time.sleep(0.01)

    def restored(self) -> bool:
        return termios.tcgetattr(self.theirs) == self.before

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture
def terminal(runner: Runner) -> Iterator[Callable[..., Terminal]]:
    with contextlib.ExitStack() as stack:

        def start(name: str, *arguments: str) -> Terminal:
            home = {"XDG_CONFIG_HOME": str(runner.store.with_name(name))}
            line = [*runner.commands[name], *arguments]
            made = Terminal(line, {**runner.environment, **home})
            stack.callback(made.close)
            return made

        yield start


@pytest.mark.parametrize("end", ["ctrl-c", "sigterm"])
def test_a_login_in_a_terminal_is_ended(
    runner: Runner, sandbox: Sandbox, terminal: Callable[..., Terminal], end: str
) -> None:
    def run(name: str) -> tuple[int, bool]:
        sandbox.control("POST", "/reset")
        it = terminal(name, "login", "--no-browser")
        it.read_until(lambda: bool(sandbox.requests("token.poll")) and bool(it.seen))
        if end == "ctrl-c":
            os.write(it.ours, b"\x03")
        else:
            it.process.terminate()
        it.read_until(lambda: it.process.poll() is not None)
        assert b"Traceback" not in it.seen
        return it.process.returncode, it.restored()

    code, restored = runner.same(run)
    assert restored
    assert code == (130 if end == "ctrl-c" else code)


@pytest.mark.parametrize("ending", ["int", "quit"])
def test_keys_reach_what_exec_started(
    runner: Runner, terminal: Callable[..., Terminal], ending: str
) -> None:
    def run(name: str) -> tuple[int, bool]:
        started = ["sh", "-c", "echo started; exec cat"]
        it = terminal(name, "--store", str(runner.store), "exec", "--", *started)
        it.read_until(lambda: b"started" in it.seen)
        os.write(it.ours, b"\x03" if ending == "int" else b"\x1c")
        it.read_until(lambda: it.process.poll() is not None)
        return it.process.returncode, it.restored()

    expected = signal.SIGINT if ending == "int" else signal.SIGQUIT
    assert runner.same(run) == (-expected, True)


def test_a_call_that_hangs_ends_with_ctrl_c(runner: Runner, sandbox: Sandbox) -> None:
    runner.store.write_text(sandbox.record())

    def run(name: str) -> Ended:
        sandbox.delay()
        before = len(sandbox.requests("balance.get"))
        line = [*runner.commands[name], "--store", str(runner.store), "balance", "get"]
        process = subprocess.Popen(
            line,
            env=runner.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while len(sandbox.requests("balance.get")) == before:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        ended = process.communicate(timeout=50)
        assert time.monotonic() - started < 15
        sandbox.control("DELETE", "/faults")
        return Ended(process.returncode, *ended)

    ended = runner.same(run)
    assert ended.code == 130
    assert b"Traceback" not in ended.errors


def test_it_imports_little(program: Program) -> None:
    """A command is started over and over: what it needs not, it must not load."""
    source = """
import sys
before = set(sys.modules)
from parallel_account._command import main
sys.argv = ["parallel-account", "--version"]
code = main()
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(loaded & {"asyncio", "enum", "pickle", "re", "signal", "threading", "typing"}))
sys.exit(code)
"""
    ran = program(source)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[1:] == ["[]"]


def test_the_package_does_not_load_the_command(program: Program) -> None:
    ran = program(
        "import sys, parallel_account\nprint([it for it in sys.modules if 'command' in it])"
    )
    assert ran.stdout == "[]\n", ran.stderr


def test_the_console_script_is_installed() -> None:
    if not shutil.which("parallel-account", path=str(Path(sys.executable).parent)):
        pytest.skip("the wheel is not installed into this interpreter")
    from importlib.metadata import entry_points

    (entry,) = entry_points(group="console_scripts", name="parallel-account")
    assert entry.value == "parallel_account._command:main"
