"""The program: where it is, and a process of it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_VARIABLE = "PARALLEL_ACCOUNT_SANDBOX"
_NAME = "parallel-account-sandbox" + (".exe" if sys.platform == "win32" else "")
_PATIENCE = 10.0  # seconds for it to end


class SandboxError(Exception):
    """The sandbox could not be started, has ended, or refused what it was asked."""


def sandbox_program() -> Path:
    """Where the program is: ``PARALLEL_ACCOUNT_SANDBOX``, else where this package was installed.

    Raises:
        SandboxError: It is not there.
    """
    if given := os.environ.get(_VARIABLE):
        if Path(given).is_file():
            return Path(given)
        raise SandboxError(
            f"{_VARIABLE} names {given}, which is not a file. Name the program, or unset it."
        )
    places = list(_places())
    for place in places:
        if place.is_file():
            return place
    raise SandboxError(
        f"The program {_NAME} is missing from the package parallel-account-sandbox; looked in "
        f"{', '.join(str(place.parent) for place in places)}. Install the package again: "
        "pip install --force-reinstall parallel-account-sandbox. If there is no wheel for this "
        "platform, install the program with `cargo install --path tests/sandbox` in a checkout, "
        f"and name it in {_VARIABLE}."
    )


def _places() -> Iterator[Path]:
    """Where installers put a wheel's programs."""
    yield Path(sysconfig.get_path("scripts")) / _NAME
    scheme = sysconfig.get_preferred_scheme("user")
    yield Path(sysconfig.get_path("scripts", scheme)) / _NAME
    # `pip install --target` and `--prefix`.
    packages = Path(__file__).resolve().parents[1]
    yield packages / "bin" / _NAME
    if sys.platform == "win32":
        yield packages.parents[1] / "Scripts" / _NAME
    else:
        yield packages.parents[2] / "bin" / _NAME


class SandboxProcess:
    """The program in a process that ends with this one, however this one ends."""

    def __init__(self, arguments: Sequence[str]) -> None:
        program = sandbox_program()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 stop() closes it
        try:
            self._process = subprocess.Popen(
                [program, "--until-stdin-closes", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                # Ctrl-C is for the tests, whose last ones may still need it.
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            raise SandboxError(f"{program} could not be started: {error}") from error
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            problem = self._why_it_ended()
            self.stop()
            raise SandboxError(problem)
        self.addresses: dict[str, str] = json.loads(line)

    @property
    def pid(self) -> int:
        return self._process.pid

    def problem(self, error: Exception) -> SandboxError:
        """Why it could not be reached."""
        if self._errors.closed:
            return SandboxError("The sandbox was stopped.")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
            return SandboxError(self._why_it_ended())
        return SandboxError(f"The sandbox did not answer: {error}")

    def stop(self) -> None:
        """Ends it, and waits until it has ended."""
        if self._errors.closed:
            return
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # It waits for this.
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def _why_it_ended(self) -> str:
        status = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip()
        name = "parallel-account-sandbox"
        said = said.removeprefix(f"{name}: ")
        return f"{name} ended with status {status}: {said or 'it did not say why'}"
