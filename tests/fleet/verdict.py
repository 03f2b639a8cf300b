"""Why a user was logged out: DESIGN's rule 8, a lost answer, or a mistake of ours."""

from __future__ import annotations

from collections.abc import Sequence

from crew import Parallel, Worker, fingerprint

# A pair is stored within this many seconds of its answer, on a machine that is busy.
STORING = 20.0


def explain(parallel: Parallel, workers: Sequence[Worker], login: dict, outages: Sequence[tuple[float, float]]) -> tuple[bool, str]:
    """Whether it is one of the losses that are known and said, and the story.

    `login` is what the database holds: its refresh token was sent before, or it would still work.
    """
    token = fingerprint(login["refresh_token"])
    requests = parallel.refreshes_of(token)
    if not requests:
        return False, f"the stored token {token} was never sent, and yet its login has ended"
    story = [f"token {token}"]
    for request in requests:
        story.append(f"sent by {sender(workers, request)} at {request['at_ms'] / 1000:.2f} s, answered {request['status']}")
    first = requests[0]
    worker = next((worker for worker in workers if worker.name in (first["user_agent"] or "")), None)
    if worker is None:
        return False, "; ".join([*story, "nobody knows who sent it"])
    sent = parallel.began + first["at_ms"] / 1000
    if worker.killed is not None and -0.5 < worker.killed - sent < STORING:
        after = worker.killed - sent
        return True, "; ".join([*story, f"a lost answer: {worker.name} was killed {after:.2f} s after it had sent the token, and what it got was stored nowhere"])
    for request in requests[1:]:
        late = next((worker for worker in workers if worker.name in (request["user_agent"] or "")), None)
        if late is not None and late.stopped is not None and parallel.began + request["at_ms"] / 1000 > late.stopped:
            return True, "; ".join([*story, f"rule 8: {late.name} stood still past its claim, between its check and its sending"])
    if worker.killed is not None and any(began < sent < ended + STORING for began, ended in outages):
        return True, "; ".join([*story, f"a lost answer: the pair was in the memory of {worker.name} alone while the engine was away, and {worker.name} was killed"])
    return False, "; ".join([*story, f"{worker.name} ran on, so the pair must have been stored"])


def sender(workers: Sequence[Worker], request: dict) -> str:
    agent = request["user_agent"] or ""
    return next((worker.name for worker in workers if worker.name in agent), agent)
