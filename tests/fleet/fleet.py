"""Many processes, many users, real engines: what is refreshed, and who is logged out."""

from __future__ import annotations

import contextlib
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
import unittest
from collections import Counter
from collections.abc import Callable

import engines
from crew import PATIENCE, Crew, Worker
from verdict import explain

LONG = os.environ.get("FLEET") == "long"
PROCESSES = int(os.environ.get("FLEET_PROCESSES", "64" if LONG else "8"))
# Per user. Tokens live for 2 s.
EXPIRIES = int(os.environ.get("FLEET_EXPIRIES", "200" if LONG else "3"))
LIFETIME = 2
# How long calls may fail after an engine is back: pools wait before they connect again.
RECOVERY = 15.0
LIBFAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class Run:
    """A crew at work, and what is done to it."""

    def __init__(self, test: Fleet, crew: Crew, what: str) -> None:
        self.test, self.crew, self.what = test, crew, what
        self.chance = random.Random(13)
        self.outages: list[tuple[float, float]] = []
        self.logged_out: list[str] = []
        self.unexplained: list[str] = []
        self.tokens_seen: set[tuple[str, str]] = set()
        self.kills = 0

    def work(
        self, seconds: float, meanwhile: Callable[[float], None] = lambda passed: None
    ) -> None:
        """Has the crew work, looks at it four times a second, and judges it."""
        crew = self.crew
        crew.seconds = seconds
        languages = crew.languages()
        for number in range(PROCESSES - len(crew.workers)):
            crew.start(languages[number % len(languages)])
        began = time.monotonic()
        while any(worker.process.poll() is None for worker in crew.workers):
            self.look()
            meanwhile(time.monotonic() - began)
            if time.monotonic() - began > seconds + PATIENCE:
                raise AssertionError(
                    "workers hang: "
                    + ", ".join(w.name for w in crew.workers if w.process.poll() is None)
                )
            time.sleep(0.25)
        self.look()
        self.check_that_users_are_logged_in()

    def look(self) -> None:
        self.crew.parallel.collect()
        for worker in self.crew.workers:
            if worker.killed is None and worker.process.poll() == -signal.SIGKILL:
                worker.killed = time.time()  # by its own hand
            for failure in worker.read():
                if failure["code"] == "login_required":
                    self.judge(failure["user"])

    def judge(self, user: str) -> None:
        """Explains a logout, once, and lets the user log in again."""
        login = self.crew.stored(user)
        if (user, login["refresh_token"]) in self.tokens_seen:
            return
        self.tokens_seen.add((user, login["refresh_token"]))
        if not login.get("refused_refresh_token") and not self.is_over(user):
            # Another process noticed, and the user has logged in again since.
            return
        self.crew.parallel.collect()
        verdict = explain(self.crew.parallel, self.crew.workers, login, self.outages)
        (self.logged_out if verdict.known else self.unexplained).append(f"{user}: {verdict.story}")
        explained = "explained" if verdict.known else "UNEXPLAINED"
        print(f"  logged out ({explained}): {user}: {verdict.story}", file=sys.stderr)
        self.crew.log_in([user])

    def is_over(self, user: str) -> bool:
        worker = self.crew.order("python", users=[user], seconds=0.1, tasks=1)
        worker.process.wait(PATIENCE)
        return any(failure["code"] == "login_required" for failure in worker.read())

    def check_that_users_are_logged_in(self) -> None:
        """Also those whose last refresher died: whoever comes next waits for its claim."""
        crew = self.crew
        crew.pause = 0.0
        # Each user's turn comes once: one task per user, which makes one call.
        worker = crew.order("asyncio", seconds=0.05, tasks=len(crew.users))
        worker.process.wait(PATIENCE)
        over = [failure["user"] for failure in worker.read()]
        self.test.assertTrue(worker.done, crew.errors_of(worker))
        for user in set(over):
            self.judge(user)
        crew.parallel.collect()

    def kill_each_second(self) -> Callable[[float], None]:
        def kill(passed: float) -> None:
            alive = [worker for worker in self.crew.workers if worker.process.poll() is None]
            if passed > self.kills + 2 and passed < self.crew.seconds - 1 and alive:
                victim = self.chance.choice(alive)
                self.crew.kill(victim)
                self.kills += 1
                self.crew.start(victim.language, seconds=max(1.0, self.crew.seconds - passed))

        return kill

    def restart(self, engine: engines.Engine, times: int) -> Callable[[float], None]:
        """Kills the engine, or stops it, and starts it again a second later."""
        pending = [self.crew.seconds * (number + 1) / (times + 1) for number in range(times)]

        def restart(passed: float) -> None:
            if pending and passed > pending[0]:
                del pending[0]
                began = time.time()
                (engine.kill if len(pending) % 2 == 0 else engine.stop)()
                time.sleep(1)
                engine.start()
                self.outages.append((began, time.time()))

        return restart

    def finish(self, *, exact: bool = False) -> None:
        """Prints what came of it, and fails where that cannot be explained."""
        crew, test = self.crew, self.test
        workers, counts = crew.workers, crew.parallel.counts()
        refreshes, expiries = counts["routes"].get("token.refresh", 0), crew.parallel.expiries
        failures = [failure for worker in workers for failure in worker.failures]
        during = [failure for failure in failures if self.is_outage(failure)]
        others = [
            failure
            for failure in failures
            if failure not in during and failure["code"] != "login_required"
        ]
        crashed = [worker for worker in workers if worker.killed is None and not worker.done]
        languages = ", ".join(sorted({worker.language for worker in workers}))
        print(
            f"{crew.store}, {self.what}: {len(workers)} processes ({languages}), "
            f"{len(crew.users)} users, {sum(worker.calls for worker in workers)} calls, "
            f"{len(others)} failed"
            + (f" (and {len(during)} while the engine was away)" if self.outages else "")
            + f", {refreshes} refreshes for {expiries} expiries, "
            + f"{counts['refresh_token_reuses']} reused tokens, "
            + f"{len(self.logged_out) + len(self.unexplained)} users logged out"
            + (f", {self.kills} kills" if self.kills else ""),
            file=sys.stderr,
        )
        test.assertEqual(
            [f"{w.name}: {crew.errors_of(w)}" for w in crashed], [], "a worker crashed"
        )
        test.assertEqual(
            Counter((f["code"], f["message"]) for f in others), Counter(), "calls failed"
        )
        test.assertEqual(self.unexplained, [])
        test.assertLessEqual(
            counts["families_revoked"], len(self.logged_out), "a logout that nobody noticed"
        )
        test.assertGreaterEqual(expiries, max(2, EXPIRIES // 2) * len(crew.users) if exact else 1)
        if exact:
            test.assertEqual(refreshes, expiries, "one refresh per expiry")
            test.assertEqual(counts["refresh_token_reuses"], 0)
            test.assertEqual(self.logged_out, [])

    def is_outage(self, failure: dict) -> bool:
        began = failure["at"] - failure["after"]
        return failure["code"] == "store" and any(
            start - 1 < failure["at"] and began < end + RECOVERY for start, end in self.outages
        )


class Fleet(unittest.TestCase):
    def setUp(self) -> None:
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def run_with(
        self, store: str, users: int, what: str, **sandbox: object
    ) -> tuple[Run, engines.Engine | None]:
        folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        engine = (
            self.stack.enter_context(engines.ENGINES[store]()) if store in engines.ENGINES else None
        )
        url = engine.url if engine else str(folder / "logins.db")
        crew = Crew(store, url, users, folder, access_token_lifetime=LIFETIME, **sandbox)
        self.stack.callback(crew.end)
        # As busy as the processor lets them be without becoming the bottleneck.
        crew.pause = 0.02 * PROCESSES / 4 if LONG else 0.05
        crew.log_in(crew.users, make_table=True)
        crew.seconds = EXPIRIES * (LIFETIME + 0.2)
        return Run(self, crew, what), engine

    def nothing_happens(self, store: str, users: int) -> None:
        run, _ = self.run_with(store, users, "nothing happens")
        run.work(run.crew.seconds)
        run.finish(exact=True)

    def kills_and_restarts(self, store: str, users: int, *, grace: float) -> None:
        """`grace`: how long Parallel gives the answer again that a killed process took with it."""
        run, engine = self.run_with(store, users, "kill -9 and restarts", grace=grace)
        kill = run.kill_each_second()
        restart = run.restart(engine, 3 if LONG else 2) if engine else lambda passed: None

        def both(passed: float) -> None:
            kill(passed)
            restart(passed)

        run.work(run.crew.seconds, both)
        self.assertGreaterEqual(run.kills, 1)
        self.assertEqual(len(run.outages), (3 if LONG else 2) if engine else 0)
        run.finish()
        if grace:
            self.assertEqual(run.logged_out, [], "a grace window loses nothing")

    def restarts(self, store: str, users: int) -> None:
        run, engine = self.run_with(store, users, "restarts of the engine")
        run.work(run.crew.seconds, run.restart(engine, 3))
        run.finish()
        self.assertEqual(run.logged_out, [], "nobody died with a pair in memory")

    def stopped_past_a_claim(self, store: str) -> None:
        run, _ = self.run_with(store, 1, "one process stopped past its claim")
        # It calls most often: by chance, one of 64 would have no claim in half of all runs.
        victim = run.crew.start("python", seconds=150, pause=0.001, fault="stop_on_claim")

        def resume(passed: float) -> None:
            if victim.resumed is None and is_stopped(victim):
                victim.stopped = victim.stopped or time.time()
                if time.time() - victim.stopped > 60:
                    victim.process.send_signal(signal.SIGCONT)
                    victim.resumed = time.time()

        run.work(150, resume)
        self.assertIsNotNone(victim.resumed, "it was stopped with a claim in hand")
        run.finish()
        self.assertEqual(run.logged_out, [])
        self.assertEqual(run.crew.parallel.counts()["refresh_token_reuses"], 0)

    def killed_with_a_pair(self, store: str) -> None:
        """The one loss that nobody can prevent, as Parallel takes each refresh token once."""
        run, _ = self.run_with(store, 1, "one process killed between answer and write")
        run.crew.start("python", seconds=100, pause=0.001, fault="die_with_pair")
        run.work(100)
        run.finish()
        self.assertEqual(len(run.logged_out), 1, run.logged_out)
        self.assertIn("a lost answer", run.logged_out[0])

    def clocks_apart(self, store: str) -> None:
        found = sorted(pathlib.Path("/").glob(LIBFAKETIME[1:]))
        if not found:
            engines.install("faketime")
            found = sorted(pathlib.Path("/").glob(LIBFAKETIME[1:]))
        if not found:
            self.skipTest("libfaketime is not installed")
        run, _ = self.run_with(store, 3, "two clocks two hours off")
        # The wall clock only: a wrong monotonic clock would be no clock. (Python's sleep does not
        # work below it everywhere.)
        preload = {"LD_PRELOAD": str(found[-1]), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        language = "node" if "node" in run.crew.languages() else "rust"
        for offset in ("+2h", "-2h"):
            run.crew.start(language, {**preload, "FAKETIME": offset}, seconds=run.crew.seconds)
        run.work(run.crew.seconds)
        for worker in run.crew.workers:
            for failure in worker.failures:
                self.assertNotEqual(failure["code"], "login_required", failure)
        run.finish()
        self.assertEqual(run.crew.parallel.counts()["refresh_token_reuses"], 0)


def is_stopped(worker: Worker) -> bool:
    with contextlib.suppress(OSError):
        state = (
            pathlib.Path(f"/proc/{worker.process.pid}/stat").read_text().rpartition(")")[2].split()
        )
        return state[0] == "T"
    return False


def add_tests() -> None:
    """Every scenario on every store."""
    scenarios: dict[str, Callable[[Fleet, str], None]] = {
        "one_user": lambda test, store: test.nothing_happens(store, 1),
        "kills_and_restarts_with_grace": lambda test, store: test.kills_and_restarts(
            store, 5, grace=600
        ),
    }
    if LONG:
        scenarios |= {
            "fifty_users": lambda test, store: test.nothing_happens(store, 50),
            "kills_and_restarts_of_one_user": lambda test, store: test.kills_and_restarts(
                store, 1, grace=0
            ),
            "kills_and_restarts_of_fifty_users": lambda test, store: test.kills_and_restarts(
                store, 50, grace=0
            ),
            "stopped_past_a_claim": lambda test, store: test.stopped_past_a_claim(store),
            "killed_with_a_pair": lambda test, store: test.killed_with_a_pair(store),
            "clocks_apart": lambda test, store: test.clocks_apart(store),
        }
    for store in ("redis", "postgres", "sqlite"):
        for name, scenario in scenarios.items():
            setattr(
                Fleet,
                f"test_{store}_{name}",
                lambda self, store=store, scenario=scenario: scenario(self, store),
            )
    if LONG:
        for store in engines.ENGINES:
            setattr(
                Fleet, f"test_{store}_restarts", lambda self, store=store: self.restarts(store, 10)
            )


add_tests()

if __name__ == "__main__":
    sys.dont_write_bytecode = True
    if sys.argv[1:]:
        suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:], sys.modules["__main__"])
    else:
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(Fleet)
    outcome = unittest.TextTestRunner(verbosity=2).run(suite)
    failed = len(outcome.failures) + len(outcome.errors)
    print(f"fleet: {outcome.testsRun - failed} passed, {failed} failed")
    sys.exit(failed > 0)
