"""Runs a command in a terminal of its own, as a person at the keyboard would use it.

terminal.py STEPS COMMAND...

STEPS is a JSON list. Each step waits until the text `after` has appeared, then does one of `type`
(text), `signal` (a name such as INT) or `resize` ([rows, columns]). Prints JSON: `output`, `code`
or `signal`, and `restored`: whether the terminal's settings are what they were before.
"""

import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import threading

PATIENCE = 20


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def start(command, terminal):
    """The command in a session whose terminal this is, with the signals that a shell gives it."""

    def prepare():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)

    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    return subprocess.Popen(command, **streams, start_new_session=True, preexec_fn=prepare)


def play(steps, child, keyboard):
    """Plays the steps until the command ends; all that it has written."""
    steps = list(steps)
    output, seen = b"", 0
    ended, end = os.pipe()
    threading.Thread(target=lambda: (child.wait(), os.close(end)), daemon=True).start()
    while True:
        ready, _, _ = select.select([keyboard, ended], [], [], PATIENCE)
        if not ready:
            child.kill()
            sys.exit(f"waited for {steps[:1] or 'the end'} in vain, after: {output[-2000:]!r}")
        if keyboard in ready:
            output += os.read(keyboard, 65536)
        else:
            return output
        while steps and (at := output.find(steps[0]["after"].encode(), seen)) >= 0:
            step = steps.pop(0)
            seen = at + len(step["after"].encode())
            if "type" in step:
                os.write(keyboard, step["type"].encode())
            if "signal" in step:
                child.send_signal(signal.Signals[f"SIG{step['signal']}"])
            if "resize" in step:
                resize(keyboard, *step["resize"])


def main(steps, *command):
    keyboard, terminal = os.openpty()
    resize(terminal, 40, 100)
    before = termios.tcgetattr(terminal)
    child = start(command, terminal)
    output = play(json.loads(steps), child, keyboard)
    code = child.returncode
    ending = {"code": code} if code >= 0 else {"signal": signal.Signals(-code).name}
    restored = termios.tcgetattr(terminal) == before
    print(json.dumps({"output": output.decode(errors="replace"), **ending, "restored": restored}))


main(*sys.argv[1:])
