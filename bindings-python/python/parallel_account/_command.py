"""The command ``parallel-account``: what the binary runs, inside Python.

It starts for each line of somebody's script, so this imports nothing that takes time.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    # The same functions, without the milliseconds that its enumerations take.
    import _signal as signal


def main() -> int:
    """Runs the command with the arguments of this process, and returns its exit code."""
    try:
        _undo_what_python_did()
        from parallel_account import _native
    except KeyboardInterrupt:
        return 130
    return _native._run_command(sys.argv[1:])


def _undo_what_python_did() -> None:
    """Makes this process one that a binary could have been started in.

    Signals, descriptors and the environment are also what a program that ``exec`` starts gets.
    """
    # From here on, Ctrl-C is the command's. One that the parent ignores stays ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Python ignores it; a binary of Rust ignores SIGPIPE as well, and its children do not.
    if sys.platform != "win32":
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        _open_standard_descriptors()
        _forget_coerced_locale()
    for stream in (sys.stdout, sys.stderr):
        # What a `sitecustomize` printed comes first, and would be lost to `exec`.
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            pass


def _open_standard_descriptors() -> None:
    """Opens those that are closed, as Rust does: else a file or socket would get their number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _forget_coerced_locale() -> None:
    """Where the locale is C, Python has set another one in the environment (PEP 538)."""
    if os.environ.get("LC_CTYPE") not in ("C.UTF-8", "C.utf8", "UTF-8"):
        return
    try:
        # As it was when the process was started.
        with open("/proc/self/environ", "rb") as file:
            lines = file.read().split(b"\0")
    except OSError:
        return
    given = [line.partition(b"=")[2] for line in lines if line.startswith(b"LC_CTYPE=")]
    if given:
        os.environ["LC_CTYPE"] = os.fsdecode(given[0])
    else:
        del os.environ["LC_CTYPE"]
