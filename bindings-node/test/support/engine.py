"""Runs one engine of tests/fleet/engines.py for a test in another language.

Argument: redis, redis-cluster or postgres. Prints the URL once it serves. Each line on standard
input (stop, kill, start) is answered with a line when it is done; at the end of the input, the
engine is gone.
"""

import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "fleet"))

from engines import Engine, Postgres, Redis, free_port


class RedisCluster(Redis):
    """A cluster of one node, which has all the slots."""

    def command(self) -> list[str]:
        return [
            *super().command(),
            *("--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"),
            # By itself it takes the port 10,000 above, which there may not be.
            *("--cluster-port", str(free_port())),
        ]

    def start(self) -> None:
        super().start()
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(b"CLUSTER ADDSLOTSRANGE 0 16383\r\n")
            connection.recv(64)
            state = b""
            while b"cluster_state:ok" not in state:
                connection.sendall(b"CLUSTER INFO\r\n")
                state = connection.recv(4096)


ENGINES: dict[str, type[Engine]] = {
    "redis": Redis,
    "redis-cluster": RedisCluster,
    "postgres": Postgres,
}


def main() -> None:
    with ENGINES[sys.argv[1]]() as engine:
        print(engine.url, flush=True)
        for line in sys.stdin:
            {"stop": engine.stop, "kill": engine.kill, "start": engine.start}[line.strip()]()
            print("done", flush=True)


if __name__ == "__main__":
    main()
