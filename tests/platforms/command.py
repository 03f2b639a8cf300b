#!/usr/bin/env python3
"""The command of another platform against the sandbox of this one, from the first login to the
logout. Prints a line for each step, and ends at the first that fails.

    python3 tests/platforms/command.py RUNNER… COMMAND

such as `qemu-aarch64 -L /usr/aarch64-linux-gnu parallel-account`, or `wine64 parallel-account.exe`.
PARALLEL_ACCOUNT_SANDBOX names the sandbox. A Windows command also needs WINEPREFIX, and
INTERRUPTER, which is interrupt.c.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import urllib.request

COMMAND = sys.argv[1:]
IS_WINDOWS = COMMAND[-1].endswith(".exe")
PATIENCE = 120  # seconds; emulators are slow
KEY = "%PARALLEL_API_KEY%" if IS_WINDOWS else "$PARALLEL_API_KEY"


def shell(line):
    return ["cmd", "/c", line] if IS_WINDOWS else ["sh", "-c", line]


class Run:
    """A sandbox, a home folder, and the command in both."""

    def __init__(self, folder):
        self.folder = folder
        sandbox = [os.environ["PARALLEL_ACCOUNT_SANDBOX"], "--interval", "1", "--port", "0"]
        self.sandbox = subprocess.Popen(sandbox, stdout=subprocess.PIPE, text=True)
        said = json.loads(self.sandbox.stdout.readline())
        self.control = said["control_url"]
        self.environment = os.environ | {
            "HOME": str(folder),
            "PARALLEL_PLATFORM_URL": said["platform_url"],
            "PARALLEL_SERVICE_API_URL": said["account_url"],
            # Wine adds it to PATH.
            "WINEPATH": str(folder),
        }

    def start(self, *arguments, before=()):
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command = [*COMMAND[:-1], *before, COMMAND[-1], *arguments]
        return subprocess.Popen(command, env=self.environment, cwd=self.folder, **streams)

    def run(self, *arguments, code=0):
        """What it prints, once it has ended with `code`."""
        with self.start(*arguments) as process:
            out, err = (text.decode() for text in process.communicate(timeout=PATIENCE))
        if process.returncode != code:
            raise SystemExit(
                f"{arguments} ended with {process.returncode}, not {code}:\n{out}{err}"
            )
        return out.replace("\r\n", "\n")

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))

    def approve(self, code):
        body = json.dumps({"user_code": code}).encode()
        request = urllib.request.Request(
            f"{self.control}/approve", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    def counts(self):
        with urllib.request.urlopen(f"{self.control}/counts", timeout=PATIENCE) as answer:
            return json.load(answer)["routes"]

    def waiting_login(self, before=()):
        """A `login` that has shown its code and waits, and the code."""
        process = self.start("login", "--no-browser", "--json", before=before)
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "device_code":
                return process, event["user_code"]
        raise SystemExit(f"no code was shown: {process.stderr.read().decode()}")

    def close(self):
        self.sandbox.terminate()
        self.sandbox.wait(PATIENCE)


def here(path):
    """A file of the command's, as this system sees it."""
    if not IS_WINDOWS:
        return pathlib.Path(path)
    assert path.startswith("C:\\"), path
    return pathlib.Path(os.environ["WINEPREFIX"], "drive_c", *path[3:].split("\\"))


def says_its_version(run):
    assert run.run("--version").split()[0] == "parallel-account"


def says_that_nobody_is_logged_in(run):
    run.run("status", code=3)


def logs_in(run):
    process, code = run.waiting_login()
    run.approve(code)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["event"] == "auth_success", out


def keeps_the_login_in_a_file(run):
    status = run.json("status")
    assert status["authenticated"], status
    path = here(status["token_file"])
    assert json.loads(path.read_text())["orgs"], path
    expected = "AppData" if IS_WINDOWS else ".config"
    assert expected in path.parts, path
    assert path.parent.name == "parallel-account", path
    if not IS_WINDOWS:
        assert path.stat().st_mode & 0o777 == 0o600, oct(path.stat().st_mode)


def calls_the_service(run):
    assert "credit_balance_cents" in run.json("balance", "get")


def four_processes_make_one_key(run):
    running = [run.start("key") for _ in range(4)]
    keys = {process.communicate(timeout=PATIENCE)[0] for process in running}
    assert len(keys) == 1, keys
    assert keys != {b""}
    assert run.counts()["keys.create"] == 1, run.counts()


def hands_the_key_to_a_program(run):
    key = run.run("key").strip()
    assert run.run("exec", "--", *shell(f"echo {KEY}")).strip() == key
    run.run("exec", "--", *shell("exit 7"), code=7)
    run.run("exec", "--", "no-such-program", code=127)


def finds_batch_files(run):
    (run.folder / "greet.cmd").write_text("@echo %PARALLEL_API_KEY% %1\r\n@exit 9\r\n")
    out = run.run("exec", "--", "greet", "hello there", code=9)
    assert out.strip() == run.run("key").strip() + ' "hello there"', out


def stops_at_ctrl_c(run):
    if IS_WINDOWS:
        process, _ = run.waiting_login(before=[os.environ["INTERRUPTER"]])
        process.stdin.write(b"\n")
        process.stdin.flush()
    else:
        process, _ = run.waiting_login()
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, (process.returncode, err)


def leaves_ctrl_c_to_the_program(run):
    # Without an answer to Ctrl-C, the program's own exit code would be lost.
    before = [os.environ["INTERRUPTER"]]
    process = run.start("exec", "--", os.environ["INTERRUPTER"], before=before)
    assert process.stdout.readline().strip() == b"ready"
    process.stdin.write(b"\n")
    process.stdin.flush()
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out.strip()) == (42, b"interrupted"), (process.returncode, out, err)


def logs_out(run):
    path = here(run.json("status")["token_file"])
    run.run("logout")
    run.run("status", code=3)
    assert not path.exists() or not json.loads(path.read_text()).get("orgs"), path.read_text()


def main():
    steps = [
        says_its_version,
        says_that_nobody_is_logged_in,
        logs_in,
        keeps_the_login_in_a_file,
        calls_the_service,
        four_processes_make_one_key,
        hands_the_key_to_a_program,
        *([finds_batch_files] if IS_WINDOWS else []),
        stops_at_ctrl_c,
        *([leaves_ctrl_c_to_the_program] if IS_WINDOWS else []),
        logs_out,
    ]
    with tempfile.TemporaryDirectory() as folder:
        run = Run(pathlib.Path(folder))
        try:
            for step in steps:
                step(run)
                print(f"> the command {step.__name__.replace('_', ' ')}", flush=True)
        finally:
            run.close()


if __name__ == "__main__":
    main()
