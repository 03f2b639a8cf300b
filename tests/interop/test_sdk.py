"""Parallel's SDK for Python, and its command, with the keys that this library makes."""

import asyncio
import concurrent.futures
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

# The recipes of docs/parallel-sdks.md, as run.sh cut them out.
import recipe
from parallel import AsyncParallel, AuthenticationError, Parallel
from recipe import RenewingParallel
from recipe_async import AsyncRenewingParallel
from support import SandboxCase, fingerprint, post

from parallel_account import AccountClient, AsyncAccountClient, FileStore

QUERY = "longest river"


def search(parallel):
    return parallel.search(search_queries=[QUERY])


class Case(SandboxCase):
    def setUp(self):
        super().setUp()
        # Where the SDK looks for the data API; no key of the machine's owner gets in.
        os.environ["PARALLEL_BASE_URL"] = self.said["data_url"]
        os.environ.pop("PARALLEL_API_KEY", None)
        self.options = {
            "client_name": "Interop",
            "platform_url": self.said["platform_url"],
            "account_url": self.said["account_url"],
            "store": FileStore(self.auth_file),
        }

    def approve(self, _prompt):
        post(f"{self.control}/approve", {})

    @contextlib.contextmanager
    def logged_in(self):
        with AccountClient(**self.options) as client:
            client.login(on_prompt=self.approve, open_browser=False)
            yield client

    def refuse_searches(self, times):
        error = {"ref_id": "r", "message": "refused", "detail": None}
        fault = {"route": "search", "status": 401, "times": times}
        headers = {"content-type": "application/json"}
        body = {"type": "error", "error": error}
        post(f"{self.control}/faults", {**fault, "headers": headers, "body": body})

    def lose_the_key(self):
        """As if somebody deleted it on Parallel's website."""
        self.assertEqual(post(f"{self.control}/delete-key", {}), {"deleted": 1})


class Sdk(Case):
    def test_a_search_and_a_task_run(self):
        with self.logged_in() as client, Parallel(api_key=client.api_key()) as parallel:
            self.assertEqual(search(parallel).results[0].title, QUERY)
            run = parallel.task_run.create(input="Which river?", processor="lite")
            self.assertEqual(run.status, "queued")
            result = parallel.task_run.result(run.run_id)
            self.assertEqual(result.run.status, "completed")
            self.assertIn("Which river?", result.output.content)
            self.assertEqual(parallel.task_run.retrieve(run.run_id).status, "completed")
            executed = parallel.task_run.execute(input="And the second?", processor="lite")
            self.assertIn("And the second?", executed.output.content)
        self.assertEqual(self.keys()["made"], 1)

    def test_a_search_and_a_task_run_with_asyncio(self):
        async def work():
            async with AsyncAccountClient(**self.options) as client:
                await client.login(on_prompt=self.approve, open_browser=False)
                async with AsyncParallel(api_key=await client.api_key()) as parallel:
                    found = await search(parallel)
                    self.assertEqual(found.results[0].title, QUERY)
                    done = await parallel.task_run.execute(input="Which river?", processor="lite")
                    self.assertIn("Which river?", done.output.content)

        asyncio.run(work())
        self.assertEqual(self.keys()["made"], 1)

    def test_another_process_uses_the_same_key(self):
        with self.logged_in() as client:
            key = client.api_key()
        with AccountClient(**self.options) as later:
            self.assertTrue(later.api_key() == key)
        self.assertEqual(self.keys()["made"], 1)

    def test_a_deleted_key_is_renewed_once(self):
        with self.logged_in() as client:
            renewing = RenewingParallel(client)
            self.lose_the_key()
            with self.assertRaises(AuthenticationError):
                search(renewing.parallel)
            self.assertEqual(renewing.call(search).results[0].title, QUERY)
            self.assertEqual(renewing.call(search).results[0].title, QUERY)
        self.assertEqual(self.keys()["made"], 2)
        # Who comes later has the new one.
        with AccountClient(**self.options) as later:
            self.assertEqual(search(Parallel(api_key=later.api_key())).results[0].title, QUERY)

    def test_threads_that_fail_together_renew_once(self):
        with self.logged_in() as client:
            renewing = RenewingParallel(client)
            self.lose_the_key()
            threads = 8
            together = threading.Barrier(threads)

            def work(_):
                together.wait()
                return renewing.call(search).results[0].title

            with concurrent.futures.ThreadPoolExecutor(threads) as pool:
                self.assertEqual(list(pool.map(work, range(threads))), [QUERY] * threads)
        self.assertEqual(self.keys()["made"], 2)

    def test_tasks_that_fail_together_renew_once(self):
        async def work():
            async with AsyncAccountClient(**self.options) as client:
                await client.login(on_prompt=self.approve, open_browser=False)
                renewing = await AsyncRenewingParallel.open(client)
                self.lose_the_key()
                found = await asyncio.gather(*(renewing.call(search) for _ in range(8)))
                self.assertEqual({one.results[0].title for one in found}, {QUERY})

        asyncio.run(work())
        self.assertEqual(self.keys()["made"], 2)

    def test_a_second_401_is_raised(self):
        with self.logged_in() as client:
            renewing = RenewingParallel(client)
            self.refuse_searches(2)
            with self.assertRaises(AuthenticationError) as raised:
                renewing.call(search)
            self.assertEqual(raised.exception.status_code, 401)
            self.assertIn("refused", str(raised.exception))
            self.assertEqual(self.counts()["search"], 2)
        # The key that was refused at first is gone.
        keys = self.keys()
        self.assertEqual((keys["made"], len(keys["keys"])), (2, 1))


class Guide(Case):
    def test_the_first_lines_of_the_guide(self):
        folder = pathlib.Path(recipe.__file__).parent
        log_in = (
            "from parallel_account import AccountClient\n"
            'AccountClient(client_name="My App").login(open_browser=False, on_prompt=print)\n'
        )
        names = ("guide.py", "recipe.py", "guide_use.py")
        code = "".join([log_in, *((folder / name).read_text() for name in names)])
        paths = os.environ["PYTHONPATH"]
        base_url = self.said["data_url"]
        reader = subprocess.Popen(
            [sys.executable, "-c", f"{code}\nprint(found.results[0].title)"],
            env={**self.environment, "PYTHONPATH": paths, "PARALLEL_BASE_URL": base_url},
            stdout=subprocess.PIPE,
            text=True,
        )
        post(f"{self.control}/approve", {"wait": 30})
        output, _ = reader.communicate(timeout=60)
        self.assertEqual(output.splitlines()[-1:], ["longest river"])
        self.assertEqual(self.keys()["keys"][0]["app_name"], "My App")


class Command(Case):
    def test_it_uses_our_key_without_a_login_of_its_own(self):
        with self.logged_in() as client:
            key = client.api_key()
        found = json.loads(self.run_cli("search", QUERY, "--json"))
        self.assertEqual(found["results"][0]["title"], QUERY)
        self.assertEqual(self.counts()["device_code"], 1, "our login was the only one")
        self.assertEqual(self.counts()["keys.create"], 1)
        [request] = self.requests("search")
        self.assertEqual(request["api_key"], fingerprint(key))

    def test_we_use_the_key_of_its_login_and_never_delete_it(self):
        self.log_in()
        stored = json.loads(self.auth_file.read_text())
        theirs = stored["orgs"]["org_sandbox"]["api_key"]
        [alive] = self.keys()["keys"]
        self.assertEqual(alive["app_name"], "parallel-cli Users")
        with AccountClient(**self.options) as client:
            self.assertTrue(client.api_key() == theirs)
            self.assertEqual(self.keys()["made"], 1)
            ours = client.renew_api_key()
            self.assertEqual(self.alive(), {fingerprint(theirs), fingerprint(ours)})
            client.logout()
        self.assertEqual(self.alive(), {fingerprint(theirs)})

    def test_a_key_that_its_login_made_survives_our_logout(self):
        self.log_in()
        with AccountClient(**self.options) as client:
            client.api_key()
            client.logout()
        keys = self.keys()
        self.assertEqual((len(keys["keys"]), keys["deleted"]), (1, 0))

    def test_our_key_is_used_and_kept_after_it_has_rewritten_the_file(self):
        # It drops the fields that say which key is ours, so that the key counts as its own.
        post(f"{self.control}/options", {"access_token_lifetime": 20})
        with self.logged_in() as client:
            ours = client.api_key()
            self.run_cli("balance", "get")
            self.assertEqual(self.counts()["token.refresh"], 1)
            self.assertNotIn("api_key_id", self.auth_file.read_text())
            self.assertTrue(client.api_key() == ours)
            client.logout()
        self.assertEqual(self.alive(), {fingerprint(ours)})

    def alive(self):
        return {key["raw_api_key"] for key in self.keys()["keys"]}


if __name__ == "__main__":
    unittest.main()
