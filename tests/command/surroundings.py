"""What a run of the command needs: a sandbox, a home of its own, and what to start."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

COMMAND = json.loads(os.environ["PARALLEL_ACCOUNT_COMMAND"])
# Whether Python or Node runs it, which have a process of their own ways.
IS_SCRIPT = len(COMMAND) > 1 or pathlib.Path(COMMAND[0]).read_bytes().startswith(b"#!")
SANDBOX = os.environ["PARALLEL_ACCOUNT_SANDBOX"]


# A runner in the background ignores some, which the command would continue doing.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


def post(url, body):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


class Surroundings:
    """A sandbox and a home folder, until `close`."""

    def __init__(self, *options):
        self.sandbox = subprocess.Popen(
            [SANDBOX, "--interval", "1", *options], stdout=subprocess.PIPE, text=True
        )
        said = json.loads(self.sandbox.stdout.readline())
        self.base = said["platform_url"]
        self.control = said["control_url"]
        self.folder = tempfile.TemporaryDirectory()
        self.home = pathlib.Path(self.folder.name).resolve()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PARALLEL_PLATFORM_URL": said["platform_url"],
            "PARALLEL_SERVICE_API_URL": said["account_url"],
        }

    def close(self):
        self.sandbox.terminate()
        self.sandbox.wait(10)
        self.sandbox.stdout.close()
        self.folder.cleanup()

    def start(self, *arguments, **options):
        """A process of the command, with pipes for all that `options` do not name."""
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        streams.update(options)
        environment = self.environment | streams.pop("env", {})
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=environment,
            cwd=self.home,
            text=True,
            **streams,
        )

    def run(self, *arguments, input="", **options):
        """What the command prints, and how it ends."""
        with self.start(*arguments, **options) as process:
            try:
                out, err = process.communicate(input, timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return out, err, process.returncode

    def approve(self, **body):
        return post(f"{self.control}/approve", {"wait": 30, **body})

    def wait_for_request(self, route):
        """Returns once the sandbox has received one."""
        while not self.routes().get(route):
            time.sleep(0.01)

    def routes(self):
        return get(f"{self.control}/counts")["routes"]


class Case(unittest.TestCase):
    """A test with surroundings of its own."""

    options = ("--approve-after", "0")

    def setUp(self):
        self.around = Surroundings(*self.options)
        self.addCleanup(self.around.close)

    def log_in(self):
        _, err, code = self.around.run("login")
        self.assertEqual(code, 0, err)
