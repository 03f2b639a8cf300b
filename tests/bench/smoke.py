"""That the benches still work, in seconds: this library's contenders once, in debug builds.

Takes the Python and Node packages as the test suites have built them, and leaves out what is not
there.
"""

import shutil

import builds
import contenders
from figures import OURS


def commands():
    """The core's and this library's contenders."""
    debug = builds.TARGET / "debug"
    found = {title: [debug / "bench-core", OURS, mode] for title, mode in contenders.CORE.items()}
    python = builds.TARGET / "venv/bin/python"
    if python.exists():
        for title, (name, mode) in contenders.PYTHON.items():
            if name.startswith(OURS):
                script = builds.HERE / "python/contender.py"
                found[f"python: {title}"] = [python, script, name, mode]
    package = builds.ROOT / "bindings-node"
    if (package / "dist/index.js").exists():
        project = builds.PLACE / "smoke"
        (project / "node_modules").mkdir(parents=True, exist_ok=True)
        link = project / "node_modules" / OURS
        link.unlink(missing_ok=True)
        link.symlink_to(package)
        shutil.copy(builds.HERE / "node/contender.mjs", project)
        for name in (OURS, f"{OURS}-refresh", "fetch"):
            command = [builds.NODE, project / "contender.mjs", name, "many"]
            found[f"node: {name}"] = command
    return found
