"""The Django site and the Celery worker of the examples."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import redis

from conftest import Sandbox
from databases import Engines
from parallel_account.stores import RedisStore
from served_examples import (
    EXAMPLES,
    WSGI,
    assert_encrypted,
    database,
    encrypted,
    environment,
    serving,
)


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
