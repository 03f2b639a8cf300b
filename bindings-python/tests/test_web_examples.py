"""The examples that serve many users, run as they are, against real engines and the sandbox."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from conftest import Sandbox
from databases import Engines
from parallel_account import EncryptedStore
from parallel_account.stores import PostgresStore, RedisStore

EXAMPLES = Path(__file__).parents[1] / "examples"
OLD = {"2026-05": bytes(range(32))}
NEW = {"2026-11": bytes(range(100, 132))}


def as_text(keys: dict[str, bytes]) -> str:
    """For LOGIN_KEYS."""
    return ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys.items())


def database(engines: Engines, name: str) -> str:
    """The URL of a database of one's own."""
    with psycopg.connect(engines.postgres.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    return engines.postgres.url.replace("/postgres", f"/{name}")


def environment(sandbox: Sandbox, folder: Path, **more: str) -> dict[str, str]:
    path = os.pathsep.join([os.fspath(folder), *sys.path])
    return {**sandbox.environment, "PYTHONPATH": path, "LOGIN_KEYS": as_text(OLD), **more}


def encrypted(store: Any, user: str) -> EncryptedStore[Any, Any]:
    """A user's login as the examples keep it."""
    return EncryptedStore(store, OLD, subject=user)


def assert_encrypted(stored: str, user: str, key_id: str = "2026-05") -> None:
    """What is in the database is a JWE of the user's, and no part of it is a login in the clear."""
    parts = [base64.urlsafe_b64decode(part + "==") for part in stored.split(".")]
    assert len(parts) == 5
    assert json.loads(parts[0]) == {"alg": "dir", "enc": "A256GCM", "kid": key_id, "sub": user}
    assert not any(b"token" in part for part in (stored.encode(), *parts))


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    base: str


@contextlib.contextmanager
def serving(folder: Path, env: dict[str, str], *command: str) -> Iterator[Running]:
    """A server, given a socket to listen at as `{fd}`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        fd = listener.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.format(fd=fd) for part in command)],
            cwd=folder,
            env=env,
            pass_fds=[fd],
        )
    try:
        yield Running(process, base)
    finally:
        process.terminate()
        process.wait(30)


class Service:
    """The FastAPI example, and its visitors."""

    def __init__(self, running: Running, url: str, sandbox: Sandbox) -> None:
        self.process, self.base = running.process, running.base
        self.url, self.sandbox = url, sandbox
        self.seen: list[str] = []
        """Everything that browsers got: headers and bodies."""

    @contextlib.contextmanager
    def browser(self, **cookies: str) -> Iterator[httpx.Client]:
        def keep(response: httpx.Response) -> None:
            response.read()
            self.seen.append(f"{response.headers} {response.text}")

        with httpx.Client(
            base_url=self.base,
            follow_redirects=True,
            timeout=60,
            cookies=cookies,
            event_hooks={"response": [keep]},
        ) as browser:
            yield browser

    def log_in(self, browser: httpx.Client, org: str) -> None:
        code = re.findall(r"<b>(.*?)</b>", browser.post("/login").text)[0]
        self.sandbox.approve(user_code=code, org_id=f"org_{org}", org_name=org)
        assert "Log out" in browser.post("/login/poll").text

    def query(self, statement: str) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()


@pytest.fixture
def web(engines: Engines) -> str:
    """The URL of a database with the tables of the FastAPI example."""
    url = database(engines, "web")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((EXAMPLES / "fastapi_postgres" / "schema.sql").read_bytes())
    return url


@contextlib.contextmanager
def service_with(keys: dict[str, bytes], url: str, sandbox: Sandbox) -> Iterator[Service]:
    folder = EXAMPLES / "fastapi_postgres"
    env = environment(sandbox, folder, DATABASE_URL=url, LOGIN_KEYS=as_text(keys))
    command = ("uvicorn", "app:app", "--fd", "{fd}", "--log-level", "warning")
    with serving(folder, env, *command) as running:
        yield Service(running, url, sandbox)


@pytest.fixture
def service(web: str, sandbox: Sandbox) -> Iterator[Service]:
    with service_with(OLD, web, sandbox) as service:
        yield service


def test_the_schema_is_that_of_the_store() -> None:
    schema = (EXAMPLES / "fastapi_postgres" / "schema.sql").read_text()
    assert PostgresStore.schema in schema


def test_two_users_at_once_never_see_each_other(service: Service) -> None:
    def visit(org: str) -> set[str]:
        with service.browser() as browser:
            assert browser.get("/balance").status_code == 401
            service.log_in(browser, org)
            return {browser.get("/balance").json()["org_id"] for _ in range(20)}

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(visit, ["ada", "bob"])) == [{"org_ada"}, {"org_bob"}]
    # One registration serves everybody.
    assert len(service.sandbox.requests("register")) == 1
    with service.browser() as stranger:
        assert stranger.get("/balance").status_code == 401


def test_logging_out_ends_it_everywhere(service: Service) -> None:
    with service.browser() as browser:
        service.log_in(browser, "ada")
        with service.browser(**dict(browser.cookies)) as tab:
            assert "Log out" in tab.get("/").text
            assert "Log in" in browser.post("/logout").text
            assert tab.get("/balance").status_code == 401
    assert service.query("SELECT 1 FROM sessions UNION SELECT 1 FROM parallel_account_logins") == []
    assert len(service.sandbox.requests("revoke")) == 1


def test_no_secret_reaches_the_browser(service: Service) -> None:
    with service.browser() as browser:
        code = re.findall(r"<b>(.*?)</b>", browser.post("/login").text)[0]
        (pending,) = service.query("SELECT record FROM pending_logins")[0]
        service.sandbox.approve(user_code=code)
        browser.post("/login/poll")
        browser.get("/balance")
    ((user, stored),) = service.query("SELECT key, record FROM parallel_account_logins")
    assert_encrypted(stored, user)
    with psycopg.connect(service.url, autocommit=True) as connection:
        record = encrypted(PostgresStore(connection, user), user).load()
    assert "access_token" in record
    seen = "\n".join(service.seen)
    # Long values are the secrets, but for the client id and what is shown to people.
    for secret in re.findall(r'"([A-Za-z0-9_.-]{20,})"', pending + record):
        assert secret not in seen or secret in ("balance:read",), secret
    assert "device_code" not in seen
    # And who reads the table of sessions has no cookie.
    cookie = dict(browser.cookies)["session"]
    assert service.query(f"SELECT 1 FROM sessions WHERE id = '{cookie}'") == []


def test_a_user_stays_logged_in_when_keys_rotate(web: str, sandbox: Sandbox) -> None:
    def stored(service: Service) -> str:
        (row,) = service.query("SELECT key, record FROM parallel_account_logins")
        assert_encrypted(row[1], row[0], key_id)
        return str(row[1])

    key_id = "2026-05"
    with service_with(OLD, web, sandbox) as service, service.browser() as browser:
        service.log_in(browser, "ada")
        cookies = dict(browser.cookies)
        before = stored(service)
    with service_with({**NEW, **OLD}, web, sandbox) as service:
        with service.browser(**cookies) as browser:
            assert browser.get("/balance").json()["org_id"] == "org_ada"
            assert stored(service) == before
            # Whatever is written is encrypted with the new key.
            sandbox.control("POST", "/expire-access-token")
            assert browser.get("/balance").json()["org_id"] == "org_ada"
        key_id = "2026-11"
        stored(service)
    with service_with(NEW, web, sandbox) as service, service.browser(**cookies) as browser:
        assert browser.get("/balance").json()["org_id"] == "org_ada"


def test_a_record_that_was_copied_from_another_user_is_refused(service: Service) -> None:
    with service.browser() as victim, service.browser() as mallory:
        service.log_in(victim, "victim")
        service.log_in(mallory, "mallory")
        with psycopg.connect(service.url, autocommit=True) as connection:
            connection.execute(
                "UPDATE parallel_account_logins SET record = (SELECT min(other.record) FROM "
                "parallel_account_logins other WHERE other.key != parallel_account_logins.key)"
            )
        for browser in (victim, mallory):
            answer = browser.get("/balance")
            assert answer.status_code == 502
            assert "another subject" in answer.json()["message"]


WSGI = "django.core.wsgi:get_wsgi_application()"
SECRET = base64.b64encode(b"canary" * 5 + b"!!").decode()


@pytest.mark.parametrize("keys", [None, f"a:{SECRET},"])
@pytest.mark.parametrize(
    ("folder", "command"),
    [
        ("fastapi_postgres", ["-m", "uvicorn", "app:app", "--port", "0"]),
        ("django_orm", ["-m", "gunicorn", "-b", "127.0.0.1:0", WSGI]),
        (".", ["-m", "celery", "-A", "celery_worker", "worker"]),
    ],
)
def test_nothing_starts_without_good_keys(
    sandbox: Sandbox, folder: str, command: list[str], keys: str | None
) -> None:
    at = EXAMPLES / folder
    given = {"DATABASE_URL": "", "SECRET_KEY": "a" * 50, "DJANGO_SETTINGS_MODULE": "settings"}
    env = environment(sandbox, at, **given, LOGIN_KEYS=keys or "")
    if keys is None:
        del env["LOGIN_KEYS"]
    ran = subprocess.run(
        [sys.executable, *command], cwd=at, env=env, capture_output=True, text=True, timeout=50
    )
    assert ran.returncode != 0
    said = ran.stdout + ran.stderr
    assert "LOGIN_KEYS must be ID:KEY" in said
    assert SECRET[:-1] not in said


@pytest.mark.parametrize("module", ["fastapi_postgres/app", "django_orm/settings", "celery_worker"])
def test_bad_keys_are_refused(sandbox: Sandbox, module: str) -> None:
    bad = [
        "",
        ",",
        SECRET,
        f":{SECRET}",
        f"a:{SECRET},",
        f"a:{SECRET},a:{SECRET}",
        f"a:{SECRET}:b",
        "a:c2VjcmV0",
        f"a:{SECRET[:-1]}",
        f"a:{SECRET[:-1]}\N{EM DASH}",
        f"a:!{SECRET}",
        f"{'a' * 65}:{SECRET}",
    ]
    script = """
import importlib, sys
name, good, *bad = sys.argv[1:]
read = importlib.import_module(name).login_keys
print(list(read(good)))
for keys in bad:
    try:
        read(keys)
    except Exception as error:
        print(error)
"""
    file = EXAMPLES / module
    env = environment(sandbox, file.parent, DATABASE_URL="", SECRET_KEY="a" * 50)
    ran = subprocess.run(
        [sys.executable, "-c", script, file.name, f" b:{SECRET}, a:{SECRET}\n", *bad],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    first, *refusals = ran.stdout.splitlines()
    # The order counts.
    assert first == "['b', 'a']"
    assert len(refusals) == len(bad)
    (message,) = set(refusals)
    assert message.startswith("LOGIN_KEYS must be ID:KEY")


def test_a_planted_session_gains_nothing(service: Service) -> None:
    """Session fixation: the attacker knows the visitor's cookie before the login."""
    with service.browser() as attacker:
        attacker.post("/login")
        planted = dict(attacker.cookies)["session"]
        with service.browser() as victim:
            victim.cookies.set("session", planted, domain="127.0.0.1", path="/")
            service.log_in(victim, "victim")
            assert dict(victim.cookies)["session"] != planted
        attacker.post("/login/poll")
        assert attacker.get("/balance").status_code == 401
        with service.browser(session=planted) as again:
            assert again.get("/balance").status_code == 401


def test_the_session_before_the_login_ends_with_it(service: Service) -> None:
    with service.browser() as browser:
        code = re.findall(r"<b>(.*?)</b>", browser.post("/login").text)[0]
        before = dict(browser.cookies)["session"]
        service.sandbox.approve(user_code=code)
        browser.post("/login/poll")
        assert dict(browser.cookies)["session"] != before
    with service.browser(session=before) as other:
        assert other.get("/balance").status_code == 401


@pytest.mark.parametrize("path", ["/login", "/login/poll", "/logout"])
def test_other_sites_cannot_post_here(service: Service, path: str) -> None:
    with service.browser() as browser:
        service.log_in(browser, "ada")
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": service.base, "Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            assert browser.post(path, headers=headers).status_code == 403
        assert browser.get(path).status_code == 405
        ours = {"Origin": service.base, "Sec-Fetch-Site": "same-origin"}
        assert browser.post("/login", headers=ours).status_code == 200
        assert browser.get("/balance").json()["org_id"] == "org_ada"
    with service.browser() as browser:
        cookie = browser.post("/login", follow_redirects=False).headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie


def test_a_second_tab(service: Service) -> None:
    with service.browser() as browser:
        code = re.findall(r"<b>(.*?)</b>", browser.post("/login").text)[0]
        with ThreadPoolExecutor(4) as tabs:
            cookies = dict(browser.cookies)

            def wait(_: int) -> int:
                with service.browser(**cookies) as tab:
                    return tab.post("/login/poll").status_code

            service.sandbox.approve(user_code=code)
            assert set(tabs.map(wait, range(4))) == {200}
    polls = service.sandbox.requests("token.poll")
    assert len(polls) == 1
    assert len(service.query("SELECT 1 FROM sessions")) == 1


def test_a_visitor_without_cookies(service: Service) -> None:
    for _ in range(2):
        with service.browser() as browser:
            page = browser.post("/login", follow_redirects=False)
            assert page.status_code == 303
        with service.browser() as browser:
            assert "Log in" in browser.get("/").text
            assert "Log in" in browser.post("/login/poll").text
            assert browser.post("/logout").status_code == 401


def test_a_login_that_is_refused(service: Service) -> None:
    with service.browser() as browser:
        code = re.findall(r"<b>(.*?)</b>", browser.post("/login").text)[0]
        service.sandbox.control("POST", "/deny", user_code=code)
        assert browser.post("/login/poll").json()["error"] == "access_denied"
        assert "Log in at" in browser.get("/").text
        service.log_in(browser, "ada")


def test_a_service_that_is_stopped_in_a_refresh(service: Service) -> None:
    with service.browser() as browser, ThreadPoolExecutor(1) as threads:
        service.log_in(browser, "ada")
        service.sandbox.control("POST", "/expire-access-token")
        service.sandbox.fault("token.refresh", delay_answer_ms=1500)
        call = threads.submit(browser.get, "/balance")
        while not service.sandbox.requests("token.refresh"):
            pass
        service.process.terminate()
        call.exception(30)
        service.process.wait(30)
    (key,) = service.query("SELECT key FROM parallel_account_logins")[0]
    with psycopg.connect(service.url, autocommit=True) as connection:
        store = encrypted(PostgresStore(connection, key), key)
        client = service.sandbox.client(store=store)
        assert client.balance.get().org_id == "org_ada"
        client.close()
    assert len(service.sandbox.requests("token.refresh")) == 1


def test_django(engines: Engines, sandbox: Sandbox) -> None:
    folder = EXAMPLES / "django_orm"
    database(engines, "site")
    env = environment(
        sandbox,
        folder,
        SECRET_KEY="a" * 50,
        DJANGO_SETTINGS_MODULE="settings",
        PGHOST="127.0.0.1",
        PGPORT=str(engines.postgres.port),
        PGUSER="fleet",
        PGDATABASE="site",
    )
    users = """
import django
django.setup()
from django.contrib.auth.models import User
for name in ("ada", "bob"):
    User.objects.create_user(name, password="secret")
"""
    for command in (["manage.py", "migrate", "--verbosity=0"], ["-c", users]):
        subprocess.run([sys.executable, *command], cwd=folder, env=env, check=True)
    command = ("gunicorn", "--bind", "fd://{fd}", "--threads", "4", "--log-level", "warning", WSGI)
    with serving(folder, env, *command) as running:

        def browse(name: str) -> httpx.Client:
            browser = httpx.Client(base_url=running.base, follow_redirects=True, timeout=60)
            browser.get("/signin")
            send(browser, "/signin", username=name, password="secret")
            return browser

        def send(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
            page = browser.get("/")
            token = re.findall(r'csrfmiddlewaretoken" value="(.*?)"', page.text)[0]
            return browser.post(path, data={"csrfmiddlewaretoken": token, **fields})

        with closing(browse("ada")) as ada, closing(browse("bob")) as bob:
            assert ada.get("/balance").json()["error"] == "login_required"
            assert ada.post("/connect").status_code == 403
            for browser, org in ((ada, "ada"), (bob, "bob")):
                page = send(browser, "/connect").text
                assert "device_code" not in page
                code = re.findall(r"<b>(.*?)</b>", page)[0]
                sandbox.approve(user_code=code, org_id=f"org_{org}", org_name=org)
                assert "Disconnect" in send(browser, "/connect/done").text
            with psycopg.connect(engines.postgres.url, dbname="site") as connection:
                rows = connection.execute("SELECT key, record FROM parallel_account_logins")
                logins = dict(rows.fetchall())
            assert len(logins) == 2
            for user, stored in logins.items():
                assert_encrypted(stored, user)
            sandbox.control("POST", "/expire-access-token")
            for _ in range(3):
                assert ada.get("/balance").json()["org_id"] == "org_ada"
                assert bob.get("/balance").json()["org_id"] == "org_bob"
            assert len(sandbox.requests("token.refresh")) == 2
            assert "Connect" in send(ada, "/disconnect").text
            assert ada.get("/balance").json()["error"] == "login_required"
            assert bob.get("/balance").json()["org_id"] == "org_bob"


def test_celery(engines: Engines, sandbox: Sandbox, tmp_path: Path) -> None:
    url = engines.redis.url.replace("/0", "/1")
    env = environment(sandbox, EXAMPLES, REDIS_URL=url)
    log = (tmp_path / "log").open("w+")
    command = ["-m", "celery", "-A", "celery_worker", "worker", "--concurrency", "2"]
    worker = subprocess.Popen(
        [sys.executable, *command, "--without-gossip", "--without-mingle", "--loglevel=INFO"],
        cwd=tmp_path,
        env=env,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    with redis.Redis.from_url(url) as client, log:
        for user in ("ada", "bob"):
            store = encrypted(RedisStore(client, user), user)
            with sandbox.client(store=store, first_poll_at_once=True) as logging:
                login = logging.start_login()
                sandbox.approve(login, org_id=f"org_{user}", org_name=user)
                login.wait()
        ask = """
import sys
from celery_worker import balance
results = [balance.delay(user) for user in ("ada", "bob") * 10]
print(*(result.get(timeout=60)["org_id"] for result in results))
"""
        sandbox.control("POST", "/expire-access-token")
        ran = subprocess.run(
            [sys.executable, "-c", ask], env=env, cwd=tmp_path, capture_output=True, text=True
        )
        assert ran.stdout.split() == ["org_ada", "org_bob"] * 10, ran.stderr
        assert len(sandbox.requests("token.refresh")) == 2
        for user in ("ada", "bob"):
            # As the worker wrote it after the refresh.
            stored = RedisStore(client, user).load()
            assert stored is not None
            assert_encrypted(stored, user)
        # A worker that is stopped in the middle of a refresh saves the pair.
        sandbox.control("POST", "/expire-access-token")
        sandbox.fault("token.refresh", delay_answer_ms=1500)
        late = "from celery_worker import balance; balance.delay('ada')"
        subprocess.run([sys.executable, "-c", late], env=env, cwd=tmp_path, check=True)
        while len(sandbox.requests("token.refresh")) < 3:
            pass
        worker.terminate()
        assert worker.wait(60) == 0
        log.seek(0)
        text = log.read()
        with sandbox.client(store=encrypted(RedisStore(client, "ada"), "ada")) as again:
            assert again.balance.get().org_id == "org_ada", text
        assert len(sandbox.requests("token.refresh")) == 3
