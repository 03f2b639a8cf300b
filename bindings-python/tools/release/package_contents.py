"""What must and must not be in the wheel and in the sdist: ``package_contents.py WHEEL SDIST``."""

from __future__ import annotations

import json
import sys
import tarfile
import zipfile
from email import message_from_bytes


def wheel(path: str) -> None:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        info = metadata.rpartition("/")[0]
        for name in ("LICENSE", "THIRD-PARTY-LICENSES"):
            assert archive.read(f"{info}/licenses/{name}"), name
        (bom,) = (name for name in names if name.startswith(f"{info}/sboms/"))
        components = {it["name"] for it in json.loads(archive.read(bom))["components"]}
        assert {"tokio", "rustls", "parallel-account"} <= components
        about = message_from_bytes(archive.read(metadata))
        assert about["License-Expression"] == "MIT"
        assert about["Requires-Python"] == ">=3.10"
        assert about.get_all("Project-URL")
        tags = archive.read(f"{info}/WHEEL").decode()
        assert "Tag: cp310-abi3-" in tags, tags
        commands = archive.read(f"{info}/entry_points.txt").decode()
        assert "parallel-account=parallel_account._command:main" in commands.replace(" ", "")
    for name in ("__init__.py", "__main__.py", "_command.py", "_native.pyi", "py.typed"):
        assert f"parallel_account/{name}" in names, name
    stray = [name for name in names if not name.startswith(("parallel_account/", info))]
    assert not stray + [name for name in names if "__pycache__" in name], stray


def sdist(path: str) -> None:
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"LICENSE", "THIRD-PARTY-LICENSES", "PKG-INFO", "pyproject.toml", "Cargo.lock"}
    assert needed <= names, needed - names
    assert {"core/src/lib.rs", "core/cli/src/lib.rs", "bindings-python/src/lib.rs"} <= names
    assert not any(name.endswith((".so", ".pyd", ".pyc")) for name in names)


if __name__ == "__main__":
    wheel(sys.argv[1])
    sdist(sys.argv[2])
    print("contents: as they should be")
