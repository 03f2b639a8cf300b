"""What the demo programs say when things go wrong: one sentence, a code of failure, no trace."""

import http.server
import json
import os
import subprocess
import sys
import threading
import unittest
import urllib.request

SANDBOX = os.environ["PARALLEL_ACCOUNT_SANDBOX"]
# Language to command; set by run.sh.
DEMOS = json.loads(os.environ["DEMOS"])
TRACES = ["Traceback", "panicked", "stack backtrace", "    at ", "Fatal error", "UnhandledPromise"]


class Html(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = b"<html><title>Welcome to the hotel</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class BadInput(unittest.TestCase):
    def start(self, platform):
        environment = dict(os.environ, CI="1", PARALLEL_PLATFORM_URL=platform)
        environment["PARALLEL_SERVICE_API_URL"] = f"{platform}/account"
        return {
            language: subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for language, command in DEMOS.items()
        }

    def check(self, demos, *words):
        for language, demo in demos.items():
            with self.subTest(language=language):
                output, errors = demo.communicate(timeout=120)
                self.assertNotEqual(demo.returncode, 0)
                said = errors.strip().splitlines()[-1]
                for word in words:
                    self.assertIn(word, said)
                for trace in TRACES:
                    self.assertNotIn(trace, output + errors)

    def sandbox(self, *arguments):
        sandbox = subprocess.Popen([SANDBOX, *arguments], stdout=subprocess.PIPE, text=True)
        self.addCleanup(sandbox.stdout.close)
        self.addCleanup(sandbox.wait, 10)
        self.addCleanup(sandbox.terminate)
        return json.loads(sandbox.stdout.readline())

    def test_nobody_listens(self):
        self.check(self.start("http://127.0.0.1:1"), "127.0.0.1:1", "could not be reached")

    def test_the_base_is_not_https(self):
        self.check(self.start("http://platform.example"), "PARALLEL_PLATFORM_URL", "https")

    def test_the_base_answers_html(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Html)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.check(self.start(f"http://127.0.0.1:{server.server_port}"), "Check the base URL")

    def test_the_user_denies(self):
        said = self.sandbox("--interval", "1")
        demos = self.start(said["platform_url"])
        for _ in demos:
            request = urllib.request.Request(
                f"{said['control_url']}/deny", b'{"wait": 60}', {"Content-Type": "application/json"}
            )
            urllib.request.urlopen(request, timeout=90).close()
        self.check(demos, "denied", "new login")

    def test_the_code_expires(self):
        said = self.sandbox("--interval", "1", "--expires-in", "2")
        self.check(self.start(said["platform_url"]), "expired", "new login")

    def test_a_port_in_use(self):
        port = self.sandbox()["platform_url"].rsplit(":", 1)[1]
        second = subprocess.run(
            [SANDBOX, "--port", port], capture_output=True, text=True, timeout=30
        )
        self.assertNotEqual(second.returncode, 0)
        self.assertIn(port, second.stderr)
        self.assertEqual(len(second.stderr.strip().splitlines()), 1, second.stderr)

    def test_a_missing_toolchain(self):
        script = os.path.join(os.path.dirname(__file__), "demo.sh")
        demo = subprocess.run(
            ["/bin/bash", script],
            env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere"},
            capture_output=True,
            text=True,
            timeout=30,
        )
        if demo.returncode == 0:
            self.skipTest("everything is in /usr/bin here")
        self.assertIn("Install", demo.stderr)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(BadInput)
    outcome = unittest.TextTestRunner(verbosity=2).run(suite)
    failed = len({str(test) for test, _ in outcome.failures + outcome.errors})
    print(f"demo: {outcome.testsRun - failed} passed, {failed} failed")
    sys.exit(failed > 0)
