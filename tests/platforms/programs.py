#!/usr/bin/env python3
"""The demo of a binding, and its file store, on another platform's interpreter against the sandbox
of this one, whose user approves after a second.

    python3 tests/platforms/programs.py FOLDER .mjs|.py INTERPRETER…

FOLDER holds `demo` and `store` with that ending; PARALLEL_ACCOUNT_SANDBOX names the sandbox.
"""

import json
import os
import subprocess
import sys
import tempfile

PATIENCE = 300  # seconds; emulators are slow


def main():
    folder, ending, *interpreter = sys.argv[1:]
    sandbox = subprocess.Popen(
        [
            *(os.environ["PARALLEL_ACCOUNT_SANDBOX"], "--interval", "1", "--port", "0"),
            *("--approve-after", "1", "--access-token-lifetime", "3"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said = json.loads(sandbox.stdout.readline())
        environment = os.environ | {
            "PARALLEL_PLATFORM_URL": said["platform_url"],
            "PARALLEL_SERVICE_API_URL": said["account_url"],
        }
        with tempfile.TemporaryDirectory() as place:
            for name, last in (("demo", "revoked: yes"), ("store", "forgotten: yes")):
                # To files: Node cannot write to this system's pipes under Wine.
                with (
                    open(os.path.join(place, "out"), "w+b") as out_file,
                    open(os.path.join(place, "err"), "w+b") as err_file,
                ):
                    ended = subprocess.run(
                        [*interpreter, os.path.join(folder, name + ending), place],
                        env=environment,
                        timeout=PATIENCE,
                        stdin=subprocess.DEVNULL,
                        stdout=out_file,
                        stderr=err_file,
                    )
                    for file in (out_file, err_file):
                        file.seek(0)
                    out, err = out_file.read().decode(), err_file.read().decode()
                if ended.returncode != 0:
                    raise SystemExit(f"{name}{ending} ended with {ended.returncode}:\n{out}{err}")
                print(out)
                assert out.strip().endswith(last), out
                assert "refreshed: no" not in out, out
                print(f"> {name}{ending} ran to its end")
    finally:
        sandbox.terminate()
        sandbox.wait(PATIENCE)


if __name__ == "__main__":
    main()
