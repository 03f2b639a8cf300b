"""The picture of the login in the README is what a terminal shows. UPDATE=1 draws it anew."""

import os
import pathlib
import re

from picture import svg
from surroundings import Case, post
from terminal import Terminal

PICTURE = pathlib.Path(__file__).parent.parent.parent / "core/cli/login.svg"
LINK = "https://platform.parallel.ai/device"


class Picture(Case):
    options = ("--interval", "1")

    def test_the_picture_shows_the_prompt(self):
        code = {
            "device_code": "picture",
            "user_code": "WDJB-MJHT",
            "verification_uri": LINK,
            "verification_uri_complete": f"{LINK}?user_code=WDJB-MJHT",
            "expires_in": 600,
            "interval": 600,
        }
        fault = {"route": "device_code", "status": 200, "body": code}
        post(f"{self.around.control}/faults", fault)
        terminal = Terminal(self.around, "login", columns=76, rows=40)
        self.addCleanup(terminal.close)
        terminal.stream.feed(b"$ parallel-account login\r\n\r\n")
        terminal.wait_for(r"Waiting for the approval \(\d+:\d\d left\)")
        drawn = re.sub(r"\(\d+:\d\d left\)", "(9:42 left)", svg(terminal.screen))
        drawn = re.sub(r' textLength="[\d.]+"(>Waiting)', r"\1", drawn)
        if os.environ.get("UPDATE") == "1":
            PICTURE.write_text(drawn)
        self.assertEqual(PICTURE.read_text(), drawn)
