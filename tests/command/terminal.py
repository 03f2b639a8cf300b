"""The command on a pseudo-terminal, seen through a terminal emulator."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pyte
from surroundings import COMMAND

PATIENCE = 60


class Terminal:
    """A process with a terminal of its own."""

    def __init__(self, around, *arguments, columns=100, rows=40, env=None):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows, tell=False)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=around.environment | {"TERM": "xterm-256color"} | (env or {}),
            cwd=around.home,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def resize(self, columns, rows, tell=True):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            # The emulator drops lines at the top, and leaves its cursor behind.
            dropped = max(0, self.screen.lines - rows)
            self.screen.resize(rows, columns)
            self.screen.cursor.y = max(0, self.screen.cursor.y - dropped)

    def read(self, seconds):
        """Takes what the process writes within `seconds`; false once it has nothing more."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        written = os.read(self.master, 65536)
        self.raw += written
        self.stream.feed(written)
        return True

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def wait_for(self, pattern):
        """Reads until the screen shows it."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.text())):
            self.read(0.1)
            if time.monotonic() > end:
                raise AssertionError(f"{pattern!r} is not on the screen:\n{self.text()}")
        return found

    def wait_for_raw(self, part):
        end = time.monotonic() + PATIENCE
        while part not in self.raw:
            self.read(0.1)
            if time.monotonic() > end:
                raise AssertionError(f"{part!r} was not written: {self.raw!r}")

    def type(self, keys):
        os.write(self.master, keys)

    def end(self):
        """The exit code; what was written last is on the screen then."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            self.read(0.05)
            if time.monotonic() > end:
                raise AssertionError(f"it does not end:\n{self.text()}")
        while self.read(0):
            pass
        return self.process.returncode

    def is_as_before(self):
        """Whether lines and echo work as they did."""
        return termios.tcgetattr(self.slave) == self.before

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
