#!/usr/bin/env python3
"""Measures this library, its rivals and the bare core; see README.md.

run.py [--section python|node|swift|core] [--rounds 5] [--seconds 2] [--no-build]
run.py --smoke: only whether the contenders work, in debug builds
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import builds
import contenders
import measures
import report
import smoke

# Seconds of a window of the warm-up, how many of them at most, and the untimed beginning of a turn.
WINDOW, WINDOWS, LEAD = 0.5, 60, 0.25


class Server:
    """The bench server, which lives as long as this process."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [folder / "bench-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.place = json.loads(self.process.stdout.readline())

    def requests(self):
        """How many requests it has answered."""
        with urllib.request.urlopen(self.place["url"] + "/requests") as answer:
            return json.load(answer)["requests"]

    def cpu(self):
        """Seconds of CPU time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Contender:
    """A process that calls for as long as it is told, and keeps what it has warmed up."""

    def __init__(self, server, command):
        self.server = server
        self.command = [str(part) for part in command]
        every = os.sched_getaffinity(0)
        # Calls one after the other never use two cores at once: see README.md.
        self.cores = {min(every)} if self.command[-1] in ("one", "async-1") else every
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            self.command,
            env={
                **os.environ,
                "BENCH_URL": server.place["url"],
                "BENCH_TOKEN": server.place["token"],
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, self.cores),
        )
        self.rss_start = self._line()["rss_start"]

    def turn(self, *, seconds=0.0, calls=0):
        """Lets it call once more, and checks that the server saw what it says it did."""
        server = self.server
        os.sched_setaffinity(server.process.pid, self.cores)
        before, cpu = server.requests(), server.cpu()
        self.process.stdin.write(f"{seconds} {calls}\n")
        self.process.stdin.flush()
        result = self._line()
        answered = server.requests() - before
        if answered < result["calls"]:
            claims = f"{self.command} claims {result['calls']} calls, the server saw {answered}"
            sys.exit(f"bench: {claims}")
        result["server_cpu_us"] = (server.cpu() - cpu) / answered * 1e6
        result["rss_start"] = self.rss_start
        return result

    def warm_up(self):
        """Until it gets no faster; answers after how many calls that was, and whether it was."""
        calls, rates = 0, []
        while not steady(rates) and len(rates) < WINDOWS:
            result = self.turn(seconds=WINDOW)
            calls += result["calls"]
            rates.append(result["calls"] / result["seconds"])
        return {"calls": calls, "steady": steady(rates)}

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            self._fail()

    def _line(self):
        line = self.process.stdout.readline()
        if not line:
            self._fail()
        return json.loads(line)

    def _fail(self):
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace")
        sys.exit(f"{said}\nbench: this failed: {self.command}")


def steady(rates):
    """Whether the last three windows brought no more than those before them."""
    return len(rates) > 3 and max(rates[-3:]) <= 1.02 * max(rates[:-3])


def progress(what):
    if sys.stderr.isatty():
        print(f"\r{what}\033[K", end="", file=sys.stderr, flush=True)


def measure(section, server, options):
    """All that there is to say about one section, ready to be written as JSON."""
    commands = contenders.commands(section, options.build)
    machine = measures.machine()
    everybody, warm = {}, {}
    for who, command in commands.items():
        progress(f"{section}: warming {who} up")
        everybody[who] = Contender(server, command)
        warm[who] = everybody[who].warm_up()
    turns = {who: [] for who in commands}
    for number in range(options.rounds):
        for who, contender in everybody.items():
            progress(f"{section}: round {number + 1}, {who}")
            # Its connections and its memory are cold again after the turns of all others.
            contender.turn(seconds=LEAD)
            turns[who].append(contender.turn(seconds=options.seconds))
    for contender in everybody.values():
        contender.close()
    memory = {}
    for who, calls in contenders.memory(section):
        progress(f"{section}: memory, {who}")
        contender = Contender(server, commands[who])
        memory[f"{who} {calls}"] = contender.turn(calls=calls)
        contender.close()
    progress(f"{section}: imports and sizes")
    extra = measures.of(section)
    progress("")
    return {
        "machine": machine,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "warm": warm,
        "turns": turns,
        "memory": memory,
        **extra,
    }


def try_all():
    """Each of this library's contenders calls a few times."""
    builds.run("cargo", "build", "--quiet", "-p", "parallel-account-bench")
    server = Server(builds.TARGET / "debug")
    try:
        commands = smoke.commands()
        for command in commands.values():
            contender = Contender(server, command)
            contender.turn(calls=100)
            contender.close()
    finally:
        server.close()
    print(f"bench: {len(commands)} passed, 0 failed")


def main():
    sections = ("core", "python", "node", "swift")
    arguments = argparse.ArgumentParser(description="Measures this library and its rivals.")
    arguments.add_argument("--section", choices=sections, action="append")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=2.0)
    arguments.add_argument("--no-build", dest="build", action="store_false")
    arguments.add_argument("--smoke", action="store_true")
    options = arguments.parse_args()
    if options.smoke:
        try_all()
        return

    folder = builds.core() if options.build else builds.TARGET / "release"
    server = Server(folder)
    try:
        for section in options.section or sections:
            result = measure(section, server, options)
            report.save(section, result)
            print(report.text(section, result))
    finally:
        server.close()


if __name__ == "__main__":
    main()
