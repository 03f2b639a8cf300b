"""How a block of each language is run, as its reader would run it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from blocks import ROOT, Block

TARGET = Path(os.environ["CARGO_TARGET_DIR"])
WORK = TARGET / "docs-blocks"
# A call of the language's print, with what it prints in a comment beside it.
PRINTED = {
    "python": re.compile(r"\bprint\(.*\)  # (.+)$"),
    "js": re.compile(r"\bconsole\.log\(.*\); // (.+)$"),
    "rust": re.compile(r"\bprintln!\(.*\); // (.+)$"),
    "swift": re.compile(r"\bprint\(.*\) // (.+)$"),
}
GIVEN = {
    "python": (
        "from parallel_account import *\n"
        'client = AccountClient(client_name="my-app")\nclient.login()\n',
        "",
    ),
    "js": (
        'import { AccountClient, AccountError } from "parallel-account";\n'
        'const client = new AccountClient({ clientName: "my-app" });\nawait client.login();\n',
        "",
    ),
    "rust": (
        "#[allow(unused_imports)]\nuse parallel_account::*;\n\n"
        "#[tokio::main]\nasync fn main() -> Result<()> {\n"
        'let client = AccountClient::builder().client_name("my-app").build()?;\n'
        "client.login(LoginOptions::default()).await?;\n",
        "Ok(())\n}\n",
    ),
    "swift": (
        "import ParallelAccount\n"
        'let client = try AccountClient(clientName: "my-app")\ntry await client.login()\n',
        "",
    ),
}


class Failed(Exception):
    """A block that does not do what its page says."""


def expected(block: Block) -> list[str]:
    printed = PRINTED.get(block.language)
    found = (printed.search(line) for line in block.code.splitlines()) if printed else ()
    return [it[1] for it in found if it]


def program(block: Block) -> str:
    before, after = GIVEN[block.language] if block.given else ("", "")
    return before + block.code + after


@dataclass
class Runner:
    """Runs the blocks of one language, one after the other, with a sandbox of its own."""

    environment: dict[str, str]
    reset: Callable[[], None]
    homes: int = field(default=0)

    def run(self, command: list[str], folder: Path) -> str:
        """What the command prints. Nobody is logged in before."""
        self.homes += 1
        home = folder / f".home-{self.homes}"
        home.mkdir(parents=True)
        self.reset()
        ended = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            env={**self.environment, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")},
            capture_output=True,
            text=True,
            timeout=300,
        )
        if ended.returncode:
            raise Failed(f"it ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def check(self, block: Block, output: str) -> None:
        wanted = expected(block)
        shown = [line for line in output.splitlines() if line in wanted]
        if shown != wanted:
            raise Failed(f"it should print {wanted}, and printed:\n{output}")

    def folder(self, block: Block) -> Path:
        """Pages are below Start, which installs for all of them."""
        page = re.sub(r"\W+", "-", block.page.removeprefix("docs/").removesuffix(".md"))
        place = WORK / block.tab / ("" if page == "start" else page)
        place.mkdir(parents=True, exist_ok=True)
        return place

    def file(self, block: Block) -> None:
        """Writes a block that is a file."""
        assert block.file
        (self.folder(block) / block.file).write_text(block.code)

    def shell(self, together: list[Block]) -> None:
        """All lines of a page for the shell, as typed into one."""
        folder = self.folder(together[0])
        if together[0].tab == "node" and not (folder / "package.json").exists():
            (folder / "package.json").write_text('{ "private": true }')
        self.run(["bash", "-euo", "pipefail", "-c", "".join(it.code for it in together)], folder)

    def interpreted(self, block: Block) -> None:
        """A program in Python or JavaScript."""
        folder = self.folder(block)
        name, command = {
            "python": (f"line{block.line}.py", "python"),
            "js": (f"line{block.line}.mjs", "node"),
        }[block.language]
        (folder / name).write_text(program(block))
        self.check(block, self.run([command, name], folder))

    def rust(self, together: list[Block], dependencies: str) -> dict[Block, str]:
        """Builds all programs in Rust at once and runs each; says what is wrong with which."""
        project = WORK / "rust" / "project"
        (project / "src" / "bin").mkdir(parents=True)
        head = '[package]\nname = "docs-blocks"\nversion = "0.0.0"\nedition = "2024"\n'
        (project / "Cargo.toml").write_text(f"{head}[workspace]\n[dependencies]\n{dependencies}")
        # The clone stands for the registry.
        (project / ".cargo").mkdir()
        (project / ".cargo" / "config.toml").write_text(
            f'[patch.crates-io]\nparallel-account = {{ path = "{ROOT / "core"}" }}\n'
        )
        shutil.copy(ROOT / "Cargo.lock", project)
        for block in together:
            (project / "src" / "bin" / f"{name(block)}.rs").write_text(program(block))
        home = {it: os.environ[it] for it in ("HOME",) if it in os.environ}
        built = subprocess.run(
            ["cargo", "build", "--quiet", "--bins"],
            cwd=project,
            env={**self.environment, **home},
            capture_output=True,
            text=True,
        )
        if built.returncode:
            return dict.fromkeys(together, built.stderr)
        return self.built(together, TARGET / "debug")

    def swift(self, together: list[Block]) -> dict[Block, str]:
        """The same in Swift."""
        project = WORK / "swift" / "project"
        targets = []
        for block in together:
            source = project / "Sources" / name(block)
            source.mkdir(parents=True)
            (source / "main.swift").write_text(program(block))
            product = '.product(name: "ParallelAccount", package: "ParallelAccount")'
            targets.append(f'.executableTarget(name: "{name(block)}", dependencies: [{product}])')
        (project / "Package.swift").write_text(
            "// swift-tools-version: 6.0\nimport PackageDescription\n\nlet package = Package(\n"
            '    name: "DocsBlocks",\n'
            f'    dependencies: [.package(name: "ParallelAccount", path: "{ROOT}")],\n'
            f"    targets: [{', '.join(targets)}])\n"
        )
        scratch = ROOT / ".build" / "docs-blocks"
        tools = ROOT / "bindings-swift" / "tools"
        for command in (
            [str(tools / "library")],
            [
                *(str(tools / "swift"), "build", "--quiet"),
                *("--package-path", str(project), "--scratch-path", str(scratch)),
            ],
        ):
            built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if built.returncode:
                return dict.fromkeys(together, built.stdout + built.stderr)
        swift = str(tools / "swift")
        options = ["--package-path", str(project), "--scratch-path", str(scratch)]
        run = [swift, "run", "--skip-build", "--quiet", *options]
        return self.each(together, lambda block: [*run, name(block)])

    def built(self, together: list[Block], folder: Path) -> dict[Block, str]:
        return self.each(together, lambda block: [str(folder / name(block))])

    def each(
        self, together: list[Block], command: Callable[[Block], list[str]]
    ) -> dict[Block, str]:
        wrong: dict[Block, str] = {}
        for block in together:
            try:
                self.check(block, self.run(command(block), self.folder(block)))
            except (Failed, subprocess.TimeoutExpired) as error:
                wrong[block] = str(error)
        return wrong


def name(block: Block) -> str:
    page = re.sub(r"\W+", "_", block.page.removeprefix("docs/").removesuffix(".md"))
    return f"{page}_{block.line}"
