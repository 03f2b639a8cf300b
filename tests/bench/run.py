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
import urllib.request
from pathlib import Path

import builds
import contenders
import measures
import report
import smoke

HERE = Path(__file__).parent


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


def turn(server, command, *, warmup=0.0, seconds=0.0, calls=0):
    """Runs one contender once, and checks that the server saw what it says it did."""
    env = {
        **os.environ,
        "BENCH_URL": server.place["url"],
        "BENCH_TOKEN": server.place["token"],
        "BENCH_WARMUP": str(warmup),
        "BENCH_SECONDS": str(seconds),
        "BENCH_CALLS": str(calls),
    }
    every = os.sched_getaffinity(0)
    # Calls one after the other never use two cores at once: see README.md.
    cores = {min(every)} if command[-1] in ("one", "async-1") else every
    os.sched_setaffinity(server.process.pid, cores)
    before, cpu = server.requests(), server.cpu()
    done = subprocess.run(
        [str(part) for part in command],
        env=env,
        capture_output=True,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    if done.returncode != 0:
        sys.exit(f"{done.stderr}\nbench: this failed: {command}")
    result = json.loads(done.stdout.splitlines()[-1])
    answered = server.requests() - before
    if answered < result["calls"]:
        sys.exit(f"bench: {command} claims {result['calls']} calls, the server saw {answered}")
    # Of the whole turn, warm-up included, so per request and not per call that was timed.
    result["server_cpu_us"] = (server.cpu() - cpu) / answered * 1e6
    return result


def progress(what):
    if sys.stderr.isatty():
        print(f"\r{what}\033[K", end="", file=sys.stderr, flush=True)


def measure(section, server, options):
    """All that there is to say about one section, ready to be written as JSON."""
    commands = contenders.commands(section, options.build)
    machine = measures.machine()
    turns = {who: [] for who in commands}
    for number in range(options.rounds):
        for who, command in commands.items():
            progress(f"{section}: round {number + 1}, {who}")
            result = turn(server, command, warmup=options.seconds / 4, seconds=options.seconds)
            turns[who].append(result)
    memory = {}
    for who, calls in contenders.memory(section):
        progress(f"{section}: memory, {who}")
        key = f"{who} {calls}"
        memory[key] = turn(server, commands[who], warmup=0, calls=calls)
    progress(f"{section}: imports and sizes")
    extra = measures.of(section)
    progress("")
    return {
        "machine": machine,
        "rounds": options.rounds,
        "seconds": options.seconds,
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
            turn(server, command, calls=100)
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
