"""A sandbox for a test, with an empty home, and the programs that run in them."""

import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import urllib.request

CLI = os.environ["PARALLEL_CLI"]
SANDBOX = os.environ["PARALLEL_ACCOUNT_SANDBOX"]


def post(url, body):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def fingerprint(secret):
    """As the sandbox shows secrets."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


class SandboxCase(unittest.TestCase):
    def setUp(self):
        self.sandbox = subprocess.Popen(
            [SANDBOX, "--interval", "1"], stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(self.stop_sandbox)
        self.said = json.loads(self.sandbox.stdout.readline())
        self.control = self.said["control_url"]
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.home = pathlib.Path(home.name)
        self.auth_file = self.home / ".config/parallel-web-tools/auth.json"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": home.name,
            "CI": "1",  # it opens no browser then
            "PARALLEL_PLATFORM_URL": self.said["platform_url"],
            "PARALLEL_SERVICE_API_URL": self.said["account_url"],
            "PARALLEL_API_URL": self.said["data_url"],
        }

    def stop_sandbox(self):
        self.sandbox.terminate()
        self.sandbox.wait(10)
        self.sandbox.stdout.close()

    def start(self, *arguments):
        return subprocess.Popen(
            [CLI, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run_cli(self, *arguments):
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, output)
        return output

    def log_in(self):
        """By Parallel's own command."""
        process = self.start("login", "--no-browser", "--json")
        decided = post(f"{self.control}/approve", {"wait": 30})
        output, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, output)
        self.assertIn(decided["user_code"], output)

    def counts(self):
        return get(f"{self.control}/counts")["routes"]

    def keys(self):
        """The keys that are alive, and how many were made and deleted."""
        return get(f"{self.control}/keys")

    def requests(self, route):
        return get(f"{self.control}/requests?route={route}")["requests"]
