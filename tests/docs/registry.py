"""Stands for the npm registry: serves the packages of folders, and sends clients to the real one
for all others. `registry.py UPSTREAM FOLDER…` prints its address."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

UPSTREAM, FOLDERS = sys.argv[1].rstrip("/"), [Path(it) for it in sys.argv[2:]]


def packages() -> dict[str, tuple[dict[str, Any], Path]]:
    found = {}
    for tarball in [it for folder in FOLDERS for it in folder.glob("*.tgz")]:
        with tarfile.open(tarball) as archive:
            manifest = archive.extractfile("package/package.json")
            assert manifest, tarball
            described = json.load(manifest)
        found[described["name"]] = (described, tarball)
    return found


PACKAGES = packages()


class Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = unquote(self.path).strip("/")
        if path.startswith("-/ours/"):
            (tarball,) = [it for _, it in PACKAGES.values() if it.name == Path(path).name]
            self.answer(tarball.read_bytes(), "application/octet-stream")
        elif path in PACKAGES:
            described, tarball = PACKAGES[path]
            digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
            host = self.headers["host"]
            dist = {
                "tarball": f"http://{host}/-/ours/{tarball.name}",
                "integrity": f"sha512-{digest}",
            }
            version = described["version"]
            document = {
                "name": path,
                "dist-tags": {"latest": version},
                "versions": {version: {**described, "dist": dist}},
            }
            self.answer(json.dumps(document).encode(), "application/json")
        elif path.startswith("@parallel-account/"):
            self.send_error(404)  # another platform's package, which was not built here
        else:
            self.send_response(302)
            self.send_header("location", f"{UPSTREAM}{self.path}")
            self.send_header("content-length", "0")
            self.end_headers()

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
