"""The examples that serve many users, run as they are, against real engines and the sandbox."""

from __future__ import annotations

import base64
import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from conftest import Sandbox
from databases import Engines
from parallel_account.stores import PostgresStore
from served_examples import (
    EXAMPLES,
    NEW,
    OLD,
    WSGI,
    Running,
    as_text,
    assert_encrypted,
    database,
    encrypted,
    environment,
    serving,
)


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
    # Long values are the secrets, but for the client ID and what is shown to users.
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
