"""Why a user was logged out: DESIGN's rule 8, a lost answer, or a mistake of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crew import Parallel, Worker, fingerprint

# Seconds within which a pair is stored after its answer, on a busy machine.
STORING = 20.0


@dataclass
class Verdict:
    """`known`: one of the losses that nobody can prevent."""

    known: bool
    story: str


def explain(
    parallel: Parallel,
    workers: Sequence[Worker],
    login: dict,
    outages: Sequence[tuple[float, float]],
) -> Verdict:
    """`login` is what the database holds of the user who was logged out."""
    token = fingerprint(login["refresh_token"])
    requests = parallel.refreshes_of(token)
    told = [f"token {token}"]
    for request in requests:
        worker = sender(workers, request)
        who = worker.name if worker else request["user_agent"]
        told.append(
            f"sent by {who} at {request['at_ms'] / 1000:.2f} s, answered {request['status']}"
        )

    def verdict(known: bool, why: str) -> Verdict:
        return Verdict(known, "; ".join([*told, why]))

    if not requests:
        return verdict(False, "it was never sent, and yet its login has ended")
    first, *later = ((sender(workers, request), parallel.at(request)) for request in requests)
    for worker, sent in later:
        if worker and worker.stopped is not None and sent > worker.stopped:
            return verdict(
                True,
                f"rule 8: {worker.name} stood still past its claim, between check and sending",
            )
    worker, sent = first
    if worker is None:
        return verdict(False, "it was sent by nobody that is known")
    if worker.killed is None or worker.killed < sent - 0.5:
        return verdict(False, f"{worker.name} ran on, so the new pair should have been stored")
    if worker.killed - sent < STORING:
        after = worker.killed - sent
        return verdict(
            True,
            f"a lost answer: {worker.name} was killed {after:.2f} s later, with the only pair",
        )
    if any(began - STORING < sent < ended + STORING for began, ended in outages):
        return verdict(
            True, f"a lost answer: {worker.name} could not store the pair before it was killed"
        )
    return verdict(
        False, f"{worker.name} was killed long after, so the new pair should have been stored"
    )


def sender(workers: Sequence[Worker], request: dict) -> Worker | None:
    """Workers are named in the user agent."""
    agent = request["user_agent"] or ""
    return next((worker for worker in workers if worker.name in agent.split()), None)
