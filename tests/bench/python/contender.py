"""One contender: `contender.py NAME MODE`, as ../README.md describes it.

Each line of its input, `SECONDS CALLS`, is a turn, which it answers with a line.

Every contender does the same: GET the balance with the bearer header, check the status, parse
the JSON. Each is written as its own documentation advises: one client or session, kept.
"""

import asyncio
import contextlib
import json
import os
import sys
import threading
import time

BASE = os.environ["BENCH_URL"]
TOKEN = os.environ["BENCH_TOKEN"]
URL = f"{BASE}/account/service/v1/balance"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
AT_ONCE = 64
THREADS = 8

# Logged in until 2100.
RECORD = json.dumps(
    {
        "version": 1,
        "selected_org_id": "org_bench",
        "orgs": {
            "org_bench": {
                "control_api": {
                    "access_token": TOKEN,
                    "access_token_expires_at": 4_102_444_800,
                }
            }
        },
    }
)


# Blocking contenders: each answers a function that makes one call.


def parallel_account():
    from parallel_account import AccountClient, MemoryStore

    client = AccountClient(
        platform_url=BASE, account_url=f"{BASE}/account", store=MemoryStore(RECORD)
    )
    return lambda: client.balance.get()


def parallel_account_file():
    """As users have it who change nothing: the login is in a file."""
    import tempfile

    from parallel_account import AccountClient, FileStore

    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "auth.json")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write(RECORD)
    client = AccountClient(platform_url=BASE, account_url=f"{BASE}/account", store=FileStore(path))
    return lambda: client.balance.get()


def httpx_():
    import httpx

    client = httpx.Client()

    def call():
        response = client.get(URL, headers=HEADERS)
        response.raise_for_status()
        return response.json()

    return call


def requests_():
    import requests

    session = requests.Session()

    def call():
        response = session.get(URL, headers=HEADERS)
        response.raise_for_status()
        return response.json()

    return call


def niquests_():
    import niquests

    session = niquests.Session()

    def call():
        response = session.get(URL, headers=HEADERS)
        response.raise_for_status()
        return response.json()

    return call


def urllib3_():
    import urllib3

    pool = urllib3.PoolManager(maxsize=THREADS)

    def call():
        response = pool.request("GET", URL, headers=HEADERS)
        if response.status != 200:
            raise RuntimeError(response.status)
        return response.json()

    return call


def service():
    os.environ["PARALLEL_SERVICE_API_URL"] = f"{BASE}/account"
    from parallel_web_tools.core import service

    return lambda: service.get_balance(TOKEN)


# Asynchronous contenders: each is a context manager that gives such a coroutine function.


@contextlib.asynccontextmanager
async def parallel_account_async():
    from parallel_account import AsyncAccountClient, MemoryStore

    async with AsyncAccountClient(
        platform_url=BASE, account_url=f"{BASE}/account", store=MemoryStore(RECORD)
    ) as client:

        async def call():
            return await client.balance.get()

        yield call


@contextlib.asynccontextmanager
async def httpx_async():
    import httpx

    async with httpx.AsyncClient() as client:

        async def call():
            response = await client.get(URL, headers=HEADERS)
            response.raise_for_status()
            return response.json()

        yield call


@contextlib.asynccontextmanager
async def aiohttp_async():
    import aiohttp

    async with aiohttp.ClientSession() as session:

        async def call():
            async with session.get(URL, headers=HEADERS) as response:
                response.raise_for_status()
                return await response.json()

        yield call


BLOCKING = {
    "parallel-account": parallel_account,
    "parallel-account-file": parallel_account_file,
    "httpx": httpx_,
    "requests": requests_,
    "niquests": niquests_,
    "urllib3": urllib3_,
    "parallel-web-tools": service,
}
ASYNC = {
    "parallel-account": parallel_account_async,
    "httpx": httpx_async,
    "aiohttp": aiohttp_async,
}
MODULES = {
    "parallel-account-file": "parallel_account",
    "parallel-web-tools": "parallel_web_tools.core.service",
}


class Plan:
    """How long calls continue: so many seconds, or so many calls if that is not 0."""

    def __init__(self, seconds, calls=0, among=1):
        self.end = time.perf_counter() + seconds
        self.calls = -(-calls // among)

    def blocking(self, call):
        done = 0
        if self.calls:
            while done < self.calls:
                call()
                done += 1
            return done
        end, clock = self.end, time.perf_counter
        while clock() < end:
            call()
            done += 1
        return done

    async def asynchronous(self, call):
        done = 0
        if self.calls:
            while done < self.calls:
                await call()
                done += 1
            return done
        end, clock = self.end, time.perf_counter
        while clock() < end:
            await call()
            done += 1
        return done


def rss():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def say(**line):
    print(json.dumps(line), flush=True)


def turns():
    """What each turn is to be: seconds and calls."""
    for line in sys.stdin:
        seconds, calls = line.split()
        yield float(seconds), int(calls)


@contextlib.contextmanager
def measured():
    """Times what runs within it and says so; the calls are given to what it yields."""
    done = []
    cpu, start = time.process_time(), time.perf_counter()
    yield done
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    say(calls=sum(done), seconds=seconds, cpu=cpu, rss_end=rss())


def check(answer):
    """Each contender must have read the answer."""
    org = answer["org_id"] if isinstance(answer, dict) else answer.org_id
    assert org == "org_bench"


def run_blocking(call):
    check(call())
    for plan in turns():
        with measured() as done:
            done.append(Plan(*plan).blocking(call))


def run_threads(call):
    check(call())
    for plan in turns():
        with measured() as done:
            shared = Plan(*plan, among=THREADS)
            work = [
                threading.Thread(target=lambda shared=shared: done.append(shared.blocking(call)))
                for _ in range(THREADS)
            ]
            for thread in work:
                thread.start()
            for thread in work:
                thread.join()


async def run_async(contender, at_once):
    async with contender() as call:
        check(await call())
        # Nothing is under way while the loop waits for its next turn.
        for plan in turns():
            with measured() as done:
                shared = Plan(*plan, among=at_once)
                if at_once == 1:
                    done.append(await shared.asynchronous(call))
                else:
                    done += await asyncio.gather(
                        *(shared.asynchronous(call) for _ in range(at_once))
                    )


def main():
    name, mode = sys.argv[1:]
    __import__(MODULES.get(name, name.replace("-", "_")))
    say(rss_start=rss())
    if mode == "one":
        run_blocking(BLOCKING[name]())
        return
    if mode == "threads":
        run_threads(BLOCKING[name]())
        return
    kind, _, at_once = mode.partition("-")
    if kind == "uvloop":
        import uvloop

        run = uvloop.run
    else:
        run = asyncio.run
    run(run_async(ASYNC[name], int(at_once)))


main()
