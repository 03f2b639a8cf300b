"""Many processes, one data key: made once, renewed together, gone with the login."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import random
import sys
import time
import unittest

from crew import COMMAND, WORKERS, CommandRun, Crew, Database, File, Worker

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "fleet"))
import engines

LONG = os.environ.get("KEYS") == "long"

# Where a process is killed: a route of the sandbox, and whether the request takes effect.
MOMENTS = {
    "get": [("apps.list", True), ("keys.create", False), ("keys.create", True)],
    "renew": [
        ("keys.create", False),
        ("keys.create", True),
        ("keys.delete", False),
        ("keys.delete", True),
    ],
}
HELD = 2000  # milliseconds for which the sandbox holds the request of a process that is killed


def is_command(worker: Worker | CommandRun) -> bool:
    """It does not know which key to replace: each of its runs renews the one that it finds."""
    return isinstance(worker, CommandRun)


class Keys(unittest.TestCase):
    def crew(self, place: File | Database) -> Crew:
        crew = Crew(place)
        self.addCleanup(crew.close)
        return crew

    def one_key(self, answers: list[dict]) -> str:
        """The key that all of them answered."""
        self.assertEqual([answer for answer in answers if "key" not in answer], [])
        keys = {answer["key"] for answer in answers}
        self.assertEqual(len(keys), 1, "one key for all")  # (Sets of keys are not shown.)
        return keys.pop()

    def life_of_a_key(self, place: File | Database, processes: int) -> None:
        crew = self.crew(place)
        languages = crew.languages
        workers = crew.start_all([languages[n % len(languages)] for n in range(processes)])
        for worker in workers:
            self.addCleanup(worker.end)
        first = self.one_key(crew.together(workers, "get"))
        keys = crew.parallel.keys()
        self.assertEqual((keys["made"], len(keys["keys"])), (1, 1))
        self.assertTrue(crew.parallel.works(first))

        answers = crew.together(workers, "renew")
        self.assertEqual([answer for answer in answers if "key" not in answer], [])
        second = self.one_key(crew.together(workers, "get"))
        keys = crew.parallel.keys()
        self.assertEqual(len(keys["keys"]), 1, "alive after all renewed")
        runs = sum(is_command(worker) for worker in workers)
        self.assertLessEqual(keys["made"], 2 + runs)
        if not runs:
            self.one_key(answers)
        self.assertEqual((crew.parallel.works(first), crew.parallel.works(second)), (False, True))

        self.assertEqual(crew.together(workers[:1], "logout"), [{}])
        self.assertEqual(crew.parallel.keys()["keys"], [], "alive after the logout")
        codes = {answer.get("code") for answer in crew.together(workers, "get")}
        self.assertEqual(codes, {"login_required"})
        print(
            f"{processes} processes ({', '.join(crew.languages)}) on {place.kind}: "
            f"{keys['made']} keys made, 1 alive after all renewed, 0 after the logout",
            file=sys.stderr,
        )

    def test_one_key_for_all_processes_on_a_file(self) -> None:
        self.life_of_a_key(File(), 32)

    def test_one_key_for_all_processes_on_redis(self) -> None:
        with engines.Redis() as engine:
            self.life_of_a_key(Database(engine.url, 0), 32)

    def kill_one(self, crew: Crew, number: int, chance: random.Random) -> tuple[str, int]:
        """Kills one of four processes while all of them ask; which moment, and how many orphans."""
        order = chance.choice(["get", "renew"])
        quick = [language for language in crew.languages if language != "swift"]
        # One command at most, for it has no name in the sandbox's journal.
        languages = chance.sample([*quick, "rust", "rust"], 4)
        if "swift" in crew.languages and number % 5 == 0:
            languages[0] = "swift"  # It takes seconds to start.
        workers = crew.start_all(languages)
        started = list(workers)
        try:
            if order == "renew":
                self.one_key(crew.together(workers, "get"))
            moment = chance.choice([*MOMENTS[order], None])
            victim = self.strike(crew, workers, order, moment, chance)
            workers.remove(victim)
            answers = [worker.hear() for worker in workers]
            newcomer = crew.start(chance.choice(quick))
            started.append(newcomer)
            newcomer.await_ready()
            settled = self.one_key(crew.together([*workers, newcomer], "get"))
            self.assertEqual([answer for answer in answers if "key" not in answer], [])
            if order == "get" or not any(is_command(worker) for worker in [*workers, victim]):
                self.assertTrue(self.one_key(answers) == settled, "nobody was given another key")
            self.assertTrue(crew.parallel.works(settled))
            alive = len(crew.parallel.keys()["keys"])
            self.assertLessEqual(alive, 2, "one orphan at most")
        finally:
            for worker in started:
                worker.end()
        crew.parallel.delete_keys()
        return f"{order}: {' '.join(map(str, moment)) if moment else 'any time'}", alive - 1

    def strike(
        self,
        crew: Crew,
        workers: list,
        order: str,
        moment: tuple[str, bool] | None,
        chance: random.Random,
    ):
        """Has all of them do it, and kills the one that sends the request, or any at any time."""
        if moment:
            crew.parallel.hold(moment[0], HELD, takes_effect=moment[1])
            seen = len(crew.parallel.sent(moment[0]))
        for worker in workers:
            worker.tell(order)
        if moment:
            agent = crew.parallel.await_request(moment[0], seen)["user_agent"].split()[-1]
            named = [worker for worker in workers if worker.name == agent]
            victim = (named or [worker for worker in workers if is_command(worker)])[0]
        else:
            time.sleep(chance.uniform(0, 0.05))
            victim = chance.choice(workers)
        victim.kill()
        return victim

    def kills(self, crew: Crew, times: int, seed: int) -> tuple[dict[str, int], int]:
        logged_in, chance = crew.place.read(), random.Random(seed)
        moments: dict[str, int] = {}
        orphans = 0
        for number in range(times):
            crew.place.write(logged_in)
            moment, left = self.kill_one(crew, number, chance)
            moments[moment] = moments.get(moment, 0) + 1
            orphans += left
        return moments, orphans

    def test_kill_9_leaves_one_orphan_at_most_on_a_file(self) -> None:
        times = 200 if LONG else 10
        moments, orphans = self.kills(self.crew(File()), times, 14)
        print(f"kill -9 on a file: {times} kills, {orphans} orphans; {moments}", file=sys.stderr)

    def test_kill_9_leaves_one_orphan_at_most_on_redis(self) -> None:
        # Each kill costs the length of a claim, so they happen side by side.
        lanes, times = (10, 20) if LONG else (2, 1)
        with engines.Redis() as engine, concurrent.futures.ThreadPoolExecutor(lanes) as pool:
            crews = [self.crew(Database(engine.url, lane)) for lane in range(lanes)]
            done = list(pool.map(lambda lane: self.kills(crews[lane], times, lane), range(lanes)))
        orphans = sum(left for _, left in done)
        print(f"kill -9 on redis: {lanes * times} kills, {orphans} orphans", file=sys.stderr)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    print(
        f"languages: {', '.join(WORKERS)}{' and the command' if COMMAND else ''}", file=sys.stderr
    )
    # Names of tests (Keys.test_one_key_for_all_processes_on_a_file) for some of them.
    loader = unittest.defaultTestLoader
    names = sys.argv[1:]
    suite = (
        loader.loadTestsFromNames(names, sys.modules["__main__"])
        if names
        else loader.loadTestsFromTestCase(Keys)
    )
    outcome = unittest.TextTestRunner(verbosity=2).run(suite)
    failed = len(outcome.failures) + len(outcome.errors)
    print(f"keys: {outcome.testsRun - failed} passed, {failed} failed")
    sys.exit(failed > 0)
