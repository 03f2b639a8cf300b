"""What a person sees and types on a terminal."""

import base64
import re
import signal
import termios
import unittest

from surroundings import Case, post
from terminal import Terminal

CODE = r"\b[A-Z]{4}-[A-Z]{4}\b"
LEFT = r"Waiting for the approval \((\d+):(\d\d) left\)\."


class OnTerminal(Case):
    options = ("--interval", "1")

    def terminal(self, *arguments, **options):
        terminal = Terminal(self.around, *arguments, **options)
        self.addCleanup(terminal.close)
        return terminal


class Prompt(OnTerminal):
    def test_a_login_from_prompt_to_end(self):
        terminal = self.terminal("login")
        terminal.wait_for(LEFT)
        text = terminal.text()
        code = re.search(CODE, text)[0]
        self.assertIn(f"{self.around.base}/device?user_code={code}", text)
        self.assertIn(f"check that it shows the code {code}", text)
        self.assertIn("█", text)
        self.assertIn("Enter opens the page in a browser, c copies the code, Ctrl-C cancels.", text)
        self.around.approve()
        self.assertEqual(terminal.end(), 0, terminal.text())
        self.assertRegex(terminal.text(), r"Logged in to Sandbox Inc. \(org_sandbox\)\.$")
        self.assertNotIn("Waiting", terminal.text(), "the countdown is erased")
        self.assertTrue(terminal.is_as_before())

    def test_the_countdown_redraws_one_line(self):
        terminal = self.terminal("login")
        first = terminal.wait_for(LEFT)
        before = terminal.text().replace(first[0], "")
        terminal.wait_for(LEFT.replace(r"(\d+):(\d\d)", f"(?!{first[1]}:{first[2]})\\d+:\\d\\d"))
        second = terminal.wait_for(LEFT)
        self.assertEqual(terminal.text().replace(second[0], ""), before)
        self.assertEqual(terminal.text().count("Waiting"), 1)

    def test_a_small_window_gets_no_qr_code(self):
        terminal = self.terminal("login", rows=24)
        terminal.wait_for(LEFT)
        self.assertNotIn("█", terminal.text())
        narrow = self.terminal("login", columns=40)
        narrow.wait_for("Waiting for the approval")
        self.assertNotIn("█", narrow.text())

    def test_colors_can_be_turned_off(self):
        colored = self.terminal("login")
        colored.wait_for(LEFT)
        self.assertIn(b"\x1b[1m", colored.raw)
        plain = self.terminal("login", env={"NO_COLOR": "1"})
        plain.wait_for(LEFT)
        self.assertNotRegex(plain.raw, rb"\x1b\[[0-9;]*m")

    def test_a_dumb_terminal_gets_plain_lines(self):
        terminal = self.terminal("login", env={"TERM": "dumb"})
        terminal.wait_for(r"Waiting for the approval\.")
        self.assertNotIn(b"\x1b", terminal.raw)

    def test_the_resized_window_has_one_countdown(self):
        terminal = self.terminal("login")
        terminal.wait_for(LEFT)
        for columns, rows in ((60, 20), (30, 10), (120, 50)):
            seen = len(terminal.raw)
            terminal.resize(columns, rows)
            while terminal.raw.count(b"Waiting", seen) < 2:
                terminal.read(0.1)
            self.assertEqual(terminal.text().count("Waiting"), 1, terminal.text())
            last = terminal.text().splitlines()[-1]
            self.assertTrue(last.startswith("Waiting"), terminal.text())
            self.assertLess(len(last), columns)
        self.around.approve()
        self.assertEqual(terminal.end(), 0)

    def test_a_server_that_is_down_is_shown(self):
        post(f"{self.around.control}/faults", {"route": "token.poll", "status": 503})
        terminal = self.terminal("login")
        # In what was written: on a busy machine, the screen may be past it already.
        terminal.wait_for_raw(b"No answer from Parallel, still trying (")
        terminal.wait_for(LEFT)


class Keys(OnTerminal):
    def test_ctrl_c_ends_at_once(self):
        terminal = self.terminal("login")
        terminal.wait_for(LEFT)
        terminal.type(b"\x03")
        self.assertEqual(terminal.end(), 130)
        self.assertIn("error: Interrupted.", terminal.text())
        self.assertTrue(terminal.is_as_before())

    def test_sigterm_and_an_error_restore_the_terminal(self):
        terminal = self.terminal("login")
        terminal.wait_for(LEFT)
        terminal.process.send_signal(signal.SIGTERM)
        self.assertEqual(terminal.end(), 143)
        self.assertTrue(terminal.is_as_before())
        denied = self.terminal("login")
        denied.wait_for(LEFT)
        post(f"{self.around.control}/deny", {"wait": 30})
        self.assertEqual(denied.end(), 3)
        self.assertTrue(denied.is_as_before())
        self.assertIn("denied", denied.text())

    def test_a_login_that_was_stopped_goes_on(self):
        terminal = self.terminal("login")
        terminal.wait_for(LEFT)
        terminal.process.send_signal(signal.SIGSTOP)
        # As a shell leaves it.
        termios.tcsetattr(terminal.slave, termios.TCSANOW, terminal.before)
        terminal.process.send_signal(signal.SIGCONT)
        while terminal.is_as_before():
            terminal.read(0.1)
        terminal.type(b"c")
        terminal.wait_for("The code was sent to the clipboard")

    def test_c_copies_the_code(self):
        terminal = self.terminal("login")
        terminal.wait_for(LEFT)
        code = re.search(CODE, terminal.text())[0]
        terminal.type(b"c")
        terminal.wait_for_raw(b"\x1b]52;c;" + base64.b64encode(code.encode()) + b"\x07")
        terminal.wait_for("The code was sent to the clipboard")

    def browser(self):
        """A browser that notes what it is told to open."""
        opened = self.around.home / "opened"
        folder = self.around.home / "bin"
        folder.mkdir()
        script = folder / "xdg-open"
        script.write_text(f'#!/bin/sh\necho "$1" >{opened}.part\nmv {opened}.part {opened}\n')
        script.chmod(0o755)
        path = f"{folder}:{self.around.environment['PATH']}"
        return opened, {"PATH": path, "DISPLAY": ":0"}

    def test_enter_opens_the_browser(self):
        opened, environment = self.browser()
        terminal = self.terminal("login", env=environment)
        terminal.wait_for(LEFT)
        self.assertFalse(opened.exists(), "only when asked")
        code = re.search(CODE, terminal.text())[0]
        terminal.type(b"\r")
        terminal.wait_for("The page was opened in a browser")
        while not opened.exists():
            terminal.read(0.1)
        self.assertEqual(opened.read_text().strip(), f"{self.around.base}/device?user_code={code}")

    def test_no_browser_means_none(self):
        opened, environment = self.browser()
        terminal = self.terminal("login", "--no-browser", env=environment)
        terminal.wait_for(LEFT)
        self.assertNotIn("Enter", terminal.text())
        terminal.type(b"\rc")
        terminal.wait_for("clipboard")
        self.assertFalse(opened.exists())

    def test_enter_says_that_there_is_no_browser(self):
        terminal = self.terminal("login")
        terminal.wait_for(LEFT)
        terminal.type(b"\n")
        terminal.wait_for("No browser could be opened")


class Money(OnTerminal):
    options = ("--interval", "1", "--approve-after", "0")
    QUESTION = r"Charge USD 5\.00 to the default payment method of Sandbox Inc\. \(org_sandbox\)\?"

    def answered(self, keys):
        terminal = self.terminal("balance", "add", "500")
        terminal.wait_for(self.QUESTION)
        terminal.type(keys)
        return terminal.end(), terminal.text()

    def test_only_yes_charges(self):
        self.log_in()
        for keys in (b"\r", b"n\r", b"yikes\r", b"\x04"):
            code, text = self.answered(keys)
            self.assertEqual(code, 130, text)
            self.assertIn("Nothing was charged", text)
        self.assertEqual(self.answered(b"\x03")[0], 130)
        self.assertNotIn("balance.add", {k for k, v in self.around.routes().items() if v})
        for keys in (b"y\r", b"YES\r"):
            code, text = self.answered(keys)
            self.assertEqual(code, 0, text)
            self.assertIn("Added USD 5.00.", text)

    def test_nobody_is_asked_who_is_not_logged_in(self):
        terminal = self.terminal("balance", "add", "500")
        self.assertEqual(terminal.end(), 3)
        self.assertNotIn("Charge", terminal.text())


if __name__ == "__main__":
    unittest.main()
