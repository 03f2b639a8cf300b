"""Parallel's own command against the sandbox: a client that nobody here wrote."""

import json
import os
import subprocess
import unittest

from support import SandboxCase, get, post

# A small program on this library; see tests/stress/README.md.
OURS = os.environ["PARALLEL_ACCOUNT_WORKER"]


class ParallelCli(SandboxCase):
    def credits(self):
        return json.loads(self.run_cli("balance", "--json", "get"))["credit_balance_cents"]

    def test_login_balance_top_up_logout(self):
        self.log_in()
        stored = json.loads(self.auth_file.read_text())
        self.assertEqual(stored["selected_org_id"], "org_sandbox")
        self.assertTrue(stored["orgs"]["org_sandbox"]["api_key"])
        self.assertEqual(self.credits(), 5000)
        self.run_cli("balance", "add", "250")
        self.assertEqual(self.credits(), 5250)
        self.run_cli("logout")
        self.assertFalse(self.auth_file.exists())
        self.assertEqual(get(f"{self.control}/counts")["families_revoked"], 1)

    def test_it_refreshes_an_old_access_token(self):
        # It refreshes 30 s before the end, so one of 20 s is refreshed at every use.
        post(f"{self.control}/options", {"access_token_lifetime": 20})
        self.log_in()
        self.assertEqual(self.credits(), 5000)
        self.assertEqual(self.credits(), 5000)
        self.assertEqual(self.counts()["token.refresh"], 2)

    def test_a_denied_login_fails(self):
        process = self.start("login", "--no-browser", "--json")
        post(f"{self.control}/deny", {"wait": 30})
        output, _ = process.communicate(timeout=60)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("denied", output)

    def test_a_client_that_was_forgotten_registers_again(self):
        self.log_in()
        post(f"{self.control}/reset", {})
        self.log_in()
        self.assertEqual(self.counts()["register"], 1)

    def start_ours(self, mode):
        return subprocess.Popen(
            [OURS, mode, str(self.auth_file), "1"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run_ours(self, mode):
        output, _ = self.start_ours(mode).communicate(timeout=60)
        return json.loads(output.splitlines()[-1])

    def refresh_by_ours(self):
        post(f"{self.control}/expire-access-token", {})
        self.assertEqual(self.run_ours("herd"), {"calls": 1, "failures": {}})

    def test_who_logged_in_there_is_logged_in_here_and_no_field_is_lost(self):
        self.log_in()
        before = json.loads(self.auth_file.read_text())
        before["orgs"]["org_sandbox"]["unknown"] = {"kept": True}
        self.auth_file.write_text(json.dumps(before))
        self.refresh_by_ours()
        after = json.loads(self.auth_file.read_text())
        for record in (before, after):
            login = record["orgs"]["org_sandbox"].pop("control_api")
            self.assertTrue(login["refresh_token"])
        self.assertEqual(before, after)
        # And the other still works on what we wrote, and we on what it writes.
        self.assertEqual(self.credits(), 5000)
        post(f"{self.control}/options", {"access_token_lifetime": 20})
        self.refresh_by_ours()
        self.assertEqual(self.credits(), 5000)
        self.assertEqual(self.counts()["token.refresh"], 3)
        self.assertEqual(self.run_ours("herd"), {"calls": 1, "failures": {}})
        self.assertEqual(get(f"{self.control}/counts")["refresh_token_reuses"], 0)

    def test_who_logged_in_here_is_logged_in_there(self):
        ours = self.start_ours("login")
        post(f"{self.control}/approve", {"wait": 30})
        output, _ = ours.communicate(timeout=60)
        self.assertEqual(ours.returncode, 0, output)
        self.assertEqual(self.credits(), 5000)
        self.run_cli("logout")
        self.assertEqual(self.run_ours("herd")["failures"], {"login_required": 1})


if __name__ == "__main__":
    unittest.main()
