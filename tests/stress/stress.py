"""Many processes, one login: nobody is logged out, whatever happens to them."""

import hashlib
import http.server
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

LONG = os.environ.get("STRESS") == "long"
SANDBOX = os.environ["PARALLEL_ACCOUNT_SANDBOX"]
# Language to command; set by run.sh.
WORKERS = json.loads(os.environ["STRESS_WORKERS"])


def ask(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def fingerprint(secret):
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


class Cell(http.server.ThreadingHTTPServer):
    """A store without a lock, as a database has one: a record that can be compared and swapped.

    GET answers it as JSON; POST [old, new] swaps and answers whether it did. Each worker has a path
    of its own, by which `on_claim` is told who claims a refresh before the worker knows.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.record = None
        self.turn = threading.Lock()
        self.on_claim = lambda worker: None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def swap(self, worker, old, new):
        with self.turn:
            if self.record != old:
                return False
            self.record = new
        if new and '"claim"' in new:
            self.on_claim(worker)
        return True


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(self.server.record)

    def do_POST(self):
        old, new = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(self.server.swap(self.path.strip("/"), old, new))

    def log_message(self, *_):
        pass


class Stress(unittest.TestCase):
    cell = None

    def start(self, **options):
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        sandbox = subprocess.Popen(
            [SANDBOX, "--interval=1", "--approve-after=0", *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(sandbox.stdout.close)
        self.addCleanup(sandbox.wait, 10)
        self.addCleanup(sandbox.terminate)
        said = json.loads(sandbox.stdout.readline())
        self.control = said["control_url"]
        self.environment = dict(
            os.environ,
            CI="1",
            PARALLEL_PLATFORM_URL=said["platform_url"],
            PARALLEL_SERVICE_API_URL=said["account_url"],
        )
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "auth.json"

    def serve_cell(self):
        """From here on, workers keep the login in a store without a lock."""
        self.cell = Cell()
        self.addCleanup(self.cell.server_close)
        self.addCleanup(self.cell.shutdown)

    def worker(self, language, mode, number, user=None, name="worker"):
        command = WORKERS[language]
        if user is not None:
            # The checkout may be closed to others.
            program = shutil.copy(command[0], self.folder / "worker")
            command = [program, *command[1:]]
        place = str(self.file)
        if self.cell:
            place = f"http://127.0.0.1:{self.cell.server_port}/{name}"
        return subprocess.Popen(
            [*command, mode, place, str(number)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            user=user,
        )

    def result(self, process):
        output, errors = process.communicate(timeout=600)
        self.assertEqual(process.returncode, 0, errors)
        return json.loads(output.splitlines()[-1])

    def log_in(self):
        self.result(self.worker("rust", "login", 0))

    def counts(self):
        return ask(f"{self.control}/counts")

    def refreshes(self):
        return self.counts()["routes"].get("token.refresh", 0)

    def stored(self):
        record = json.loads(self.cell.record if self.cell else self.file.read_text())
        return record["orgs"][record["selected_org_id"]]["control_api"]

    def share(self, processes, seconds, meanwhile=lambda workers: None):
        """Has many processes use one login; answers the counts of the sandbox and the expiries."""
        languages = list(WORKERS)
        workers = {
            str(n): self.worker(languages[n % len(languages)], "loop", seconds, name=str(n))
            for n in range(processes)
        }
        # The sandbox shows its newest requests only, so they are collected as they come.
        sent, refreshes_seen = set(), "requests?route=token.refresh"
        while any(worker.poll() is None for worker in workers.values()):
            requests = ask(f"{self.control}/{refreshes_seen}")["requests"]
            sent |= {request["form"]["refresh_token"] for request in requests}
            meanwhile(workers)
            time.sleep(1)
        results = [self.result(worker) for worker in workers.values()]
        calls = sum(result["calls"] for result in results)
        failures = [result["failures"] for result in results if result["failures"]]
        counts = self.counts()
        refreshes = counts["routes"].get("token.refresh", 0)
        # Each expiry has a refresh token of its own, so tokens that were sent are expiries.
        requests = ask(f"{self.control}/{refreshes_seen}")["requests"]
        sent |= {request["form"]["refresh_token"] for request in requests}
        print(
            f"{processes} processes ({', '.join(languages)}): {calls} calls, "
            f"{len(failures)} with failures, "
            f"{refreshes} refreshes for {len(sent)} expiries, "
            f"{counts['refresh_token_reuses']} reused tokens",
            file=sys.stderr,
        )
        self.assertEqual(failures, [])
        self.assertEqual((counts["refresh_token_reuses"], counts["families_revoked"]), (0, 0))
        return refreshes, len(sent)

    def share_without_faults(self):
        processes, seconds = (32, 105) if LONG else (8, 9)
        self.start(access_token_lifetime=2)
        self.log_in()
        refreshes, expiries = self.share(processes, seconds)
        self.assertEqual(refreshes, expiries, "one refresh per expiry")
        self.assertGreaterEqual(refreshes, 50 if LONG else 3)

    def test_many_processes_share_a_login(self):
        self.share_without_faults()

    def test_many_processes_share_a_login_in_a_store_without_a_lock(self):
        self.serve_cell()
        self.share_without_faults()

    def test_kill_9_of_processes_that_share_a_store_without_a_lock(self):
        self.serve_cell()
        # Somebody may die between the answer and the write: the next one gets the pair again.
        self.start(access_token_lifetime=2, grace=600)
        self.log_in()
        chance, killed, processes = random.Random(5), 0, 32 if LONG else 8

        def kill(workers):
            nonlocal killed
            name = chance.choice(list(workers))
            worker = workers[name]
            if worker.poll() is None:
                worker.kill()
                worker.communicate()
                killed += 1
                workers[name] = self.worker("rust", "herd", 1, name=name)

        refreshes, expiries = self.share(processes, 105 if LONG else 9, kill)
        print(f"kill -9 without a lock: {killed} kills, no login lost", file=sys.stderr)
        self.assertGreater(killed, 3)
        self.assertGreaterEqual(refreshes, expiries)

    @unittest.skipUnless(LONG, "it takes the length of a claim")
    def test_a_process_that_is_stopped_past_its_claim(self):
        self.serve_cell()
        self.start(access_token_lifetime=2)
        self.log_in()
        stopped = []

        def stop(name):
            if not stopped and name in running:
                stopped.append((running[name], time.monotonic()))
                running[name].send_signal(signal.SIGSTOP)

        running = {}
        self.cell.on_claim = stop

        def resume(workers):
            running.update(workers)
            if stopped and time.monotonic() - stopped[0][1] > 60:
                stopped[0][0].send_signal(signal.SIGCONT)

        refreshes, expiries = self.share(8, 105, resume)
        self.assertTrue(stopped, "somebody was stopped")
        self.assertEqual(refreshes, expiries, "one refresh per expiry")

    def test_a_herd_at_the_moment_of_expiry(self):
        self.start(access_token_lifetime=3600)
        self.log_in()
        herds = [(language, "herd") for language in WORKERS]
        herds += [("python", "herd-tasks")] if "python" in WORKERS else []
        for language, mode in herds:
            with self.subTest(language=language, mode=mode):
                before = self.refreshes()
                ask(f"{self.control}/expire-access-token", {})
                size = 1000 if LONG or language != "python" or mode != "herd" else 200
                result = self.result(self.worker(language, mode, size))
                print(
                    f"{language} {mode}: {result}, {self.refreshes() - before} refresh",
                    file=sys.stderr,
                )
                self.assertEqual(result, {"calls": size, "failures": {}})
                self.assertEqual(self.refreshes() - before, 1)

    def kill_at_random(self, times, grace):
        # Enforced at once, so that each call refreshes.
        self.start(access_token_lifetime=0.001, grace=grace)
        self.log_in()
        chance = random.Random(4)
        lost = 0
        for _ in range(times):
            worker = self.worker("rust", "loop", 600)
            self.assertEqual(worker.stdout.readline(), "ready\n")
            time.sleep(chance.uniform(0, 0.05))
            worker.send_signal(signal.SIGKILL)
            worker.communicate()
            login = self.stored()  # is JSON, and a login is in it
            self.assertLessEqual(
                {entry.name for entry in self.folder.iterdir()},
                {"auth.json", "auth.json.lock", "auth.json.new"},
            )
            if grace:
                continue
            result = self.result(self.worker("rust", "herd", 1))
            # (Tokens that die at once make the call itself fail, with another code.)
            if "login_required" in result["failures"]:
                lost += 1
                # The token on disk was used up: the server committed, the rename did not happen.
                # Asked now, for what the killed process had sent may have been read after its end.
                stored = fingerprint(login["refresh_token"])
                requests = ask(f"{self.control}/requests?route=token.refresh")["requests"]
                answers = [it["status"] for it in requests if it["form"]["refresh_token"] == stored]
                used = any(status != 400 for status in answers)
                self.assertTrue(used, "lost without the server having used the token up")
                self.log_in()
        ask(f"{self.control}/options", {"access_token_lifetime": 3600})
        self.assertEqual(
            self.result(self.worker("rust", "herd", 1))["failures"], {}, "no lock is left"
        )
        return lost

    def test_kill_9_with_a_grace_window_loses_nothing(self):
        times = 500 if LONG else 25
        self.kill_at_random(times, grace=60)
        self.assertEqual(self.counts()["families_revoked"], 0)
        print(f"kill -9 with a grace window: {times} kills, no login lost", file=sys.stderr)

    def test_kill_9_without_one_loses_only_what_was_between_commit_and_rename(self):
        times = 500 if LONG else 25
        lost = self.kill_at_random(times, grace=0)
        print(f"kill -9 without a grace window: {times} kills, {lost} logins lost", file=sys.stderr)

    def small_disk(self):
        """Moves the file to a disk of its own, of 64 KiB."""
        disk = self.folder / "disk"
        disk.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0755", "none", disk], check=True
        )
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        self.file = disk / "auth.json"
        return disk

    def refused(self, user=None):
        """What one call says that needs a refresh."""
        ask(f"{self.control}/expire-access-token", {})
        worker = self.worker("rust", "herd", 1, user)
        output, errors = worker.communicate(timeout=60)
        self.assertEqual(worker.returncode, 0, errors)
        self.assertEqual(json.loads(output)["failures"], {"store": 1})
        print(errors.strip(), file=sys.stderr)
        return errors

    @unittest.skipUnless(os.geteuid() == 0, "mounts need root")
    def test_a_full_disk(self):
        self.start()
        disk = self.small_disk()
        self.log_in()
        before = self.file.read_text()
        filler = disk / "filler"
        with self.assertRaises(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        self.assertIn("Free some space", self.refused())
        self.assertEqual(self.file.read_text(), before, "what was there is still there")
        self.assertEqual(
            {entry.name for entry in disk.iterdir()}, {"auth.json", "auth.json.lock", "filler"}
        )

    @unittest.skipUnless(os.geteuid() == 0, "mounts need root")
    def test_a_read_only_folder(self):
        self.start()
        disk = self.small_disk()
        self.log_in()
        (disk / "auth.json.lock").unlink()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        self.assertIn("cannot be locked", self.refused())
        self.assertEqual(self.refreshes(), 0, "no pair is asked for that could not be kept")

    def test_a_folder_in_the_way(self):
        self.start()
        self.log_in()
        self.file.unlink()
        self.file.mkdir()
        self.assertIn("is a folder", self.refused())

    @unittest.skipUnless(os.geteuid() == 0, "another user's file needs root to be made")
    def test_a_file_of_another_user(self):
        self.start()
        self.log_in()
        self.folder.chmod(0o755)
        self.file.chmod(0o644)
        self.assertIn("belongs to another user", self.refused(user=65534))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Stress)
    outcome = unittest.TextTestRunner(verbosity=2).run(suite)
    failed = len(outcome.failures) + len(outcome.errors)
    print(f"stress: {outcome.testsRun - failed} passed, {failed} failed")
    sys.exit(failed > 0)
