"""The command among other processes: signals, pipes that close, files that others planted."""

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import termios
import threading
import time
import unittest

from surroundings import COMMAND, IS_SCRIPT, Case, get, post


class Interruptions(Case):
    options = ("--interval", "1")

    def wait_for_code(self, process):
        """Returns once the link was printed."""
        while line := process.stderr.readline():
            if "Waiting" in line:
                return
        self.fail("no link was printed")

    def end_by(self, number):
        process = self.around.start("login")
        self.addCleanup(process.kill)
        self.wait_for_code(process)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        self.assertEqual(out, "")
        self.assertIn("Interrupted.", err)
        self.assertEqual(self.around.run("status")[2], 3)
        return process.returncode

    def test_ctrl_c_ends_a_login_with_130(self):
        self.assertEqual(self.end_by(signal.SIGINT), 130)

    def test_sigterm_ends_a_login_with_143(self):
        self.assertEqual(self.end_by(signal.SIGTERM), 143)

    def test_a_login_that_was_interrupted_is_cancelled(self):
        """An approval that comes while the last poll is under way is revoked, not stored."""
        fault = {"route": "token.poll", "delay_answer_ms": 300}
        post(f"{self.around.control}/faults", fault)
        process = self.around.start("login")
        self.addCleanup(process.kill)
        self.wait_for_code(process)
        self.around.approve()
        self.around.wait_for_request("token.poll")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.around.run("status")[2], 3)
        counts = get(f"{self.around.control}/counts")
        self.assertEqual((counts["families"], counts["families_revoked"]), (1, 1), counts)

    def interrupt(self, route, *arguments):
        """Ctrl-C between the service's work and its answer."""
        done = self.around.routes().get(route, 0)
        fault = {"route": route, "delay_answer_ms": 2500}
        post(f"{self.around.control}/faults", fault)
        process = self.around.start(*arguments)
        self.addCleanup(process.kill)
        while self.around.routes().get(route, 0) == done:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, err)
        return err

    def log_in_at_once(self):
        post(f"{self.around.control}/options", {"approve_after": 0})
        self.log_in()

    def test_ctrl_c_during_a_refresh_loses_no_login(self):
        self.log_in_at_once()
        post(f"{self.around.control}/expire-access-token", {})
        self.assertIn("Interrupt again", self.interrupt("token.refresh", "balance", "get"))
        _, err, code = self.around.run("balance", "get")
        self.assertEqual(code, 0, err)

    def test_ctrl_c_while_a_key_is_made_leaves_no_second_one(self):
        self.log_in_at_once()
        self.interrupt("keys.create", "key")
        self.assertEqual(self.around.run("key")[2], 0)
        self.assertEqual(get(f"{self.around.control}/keys")["made"], 1)

    def test_a_second_ctrl_c_ends_at_once(self):
        self.log_in_at_once()
        fault = {"route": "keys.create", "delay_answer_ms": 60000}
        post(f"{self.around.control}/faults", fault)
        process = self.around.start("key")
        self.addCleanup(process.kill)
        self.around.wait_for_request("keys.create")
        process.send_signal(signal.SIGINT)
        self.assertIn("Interrupt again", process.stderr.readline())
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)
        self.assertLess(time.monotonic() - start, 4)

    def test_what_was_interrupted_half_way_is_said(self):
        self.log_in_at_once()
        app = self.around.run("apps", "create", "app")[0].strip()
        create = ["request", "POST", "/service/v1/apps", "--data", '{"app_name": "b"}']
        key = ["--idempotency-key", "my-key-0001"]
        for route, arguments, advice, unknown in (
            ("balance.add", ["balance", "add", "500", "-y"], "--idempotency-key", True),
            ("balance.add", ["balance", "add", "500", "-y", *key], "my-key-0001", False),
            ("apps.create", ["apps", "create", "a"], "apps list", True),
            ("apps.create", create, "may have been carried out", True),
            ("keys.create", ["keys", "create", app, "a"], app, True),
            ("balance.get", ["balance", "get"], "Interrupted.", False),
        ):
            err = self.interrupt(route, *arguments, "--json")
            error = json.loads(err.splitlines()[-1])["error"]
            self.assertIn(advice, error["message"])
            self.assertEqual(error["outcome_unknown"], unknown, error)

    def test_json_says_that_it_was_interrupted(self):
        process = self.around.start("login", "--json")
        self.addCleanup(process.kill)
        while "auth_waiting" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        self.assertEqual(json.loads(err)["error"]["code"], "cancelled")
        self.assertEqual(process.returncode, 130)

    def test_ctrl_c_ends_a_wait_for_input(self):
        process = self.around.start("request", "POST", "/x", "--data", "-")
        self.addCleanup(process.kill)
        # It reads before it sends, so there is no event to wait for but that it has read.
        process.stdin.write("{")
        process.stdin.flush()

        def unread():
            count = bytearray(4)
            fcntl.ioctl(process.stdin, termios.FIONREAD, count)
            return int.from_bytes(count, sys.byteorder)

        while unread():
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 143)
        process.communicate()


class Pipes(Case):
    def test_a_reader_that_is_gone_is_no_error(self):
        self.log_in()
        for arguments in (["balance", "get"], ["token"], ["--help"], ["completion", "bash"]):
            reader, writer = os.pipe()
            os.close(reader)
            _, err, code = self.around.run(*arguments, stdout=writer)
            os.close(writer)
            self.assertEqual((err, code), ("", 0), arguments)

    def test_errors_that_nobody_reads_keep_their_code(self):
        reader, writer = os.pipe()
        os.close(reader)
        _, _, code = self.around.run("token", stderr=writer)
        os.close(writer)
        self.assertEqual(code, 3)

    def test_a_login_whose_link_nobody_saw_ends(self):
        reader, writer = os.pipe()
        os.close(reader)
        _, _, code = self.around.run("login", "--json", stdout=writer)
        os.close(writer)
        self.assertEqual(code, 130)

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_a_full_disk_is_an_error(self):
        self.log_in()
        with open("/dev/full", "w") as full:
            _, err, code = self.around.run("token", stdout=full)
        self.assertEqual(code, 4)
        self.assertIn("Writing to standard output failed", err)

    def test_a_key_that_nobody_has_read_is_an_error(self):
        self.log_in()
        app = self.around.run("apps", "create", "app")[0].strip()
        reader, writer = os.pipe()
        os.close(reader)
        streams = [writer]
        if os.path.exists("/dev/full"):
            streams.append(os.open("/dev/full", os.O_WRONLY))
        for stdout in streams:
            _, err, code = self.around.run("keys", "create", app, "a", "--json", stdout=stdout)
            os.close(stdout)
            error = json.loads(err.splitlines()[-1])["error"]
            self.assertEqual((code, error["code"]), (4, "io"))
            self.assertIn(error["api_key_id"], error["message"])

    def test_closed_streams_do_no_harm(self):
        self.log_in()
        code = subprocess.run(
            ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *COMMAND, "balance", "get"],
            env=self.around.environment,
        ).returncode
        self.assertEqual(code, 0)


class Executed(Case):
    def setUp(self):
        super().setUp()
        self.log_in()

    def test_the_environment_is_left_alone(self):
        out, _, _ = self.around.run("exec", "--", "env", "-0", env={"ODD": "a\nb'c"})
        got = dict(line.split("=", 1) for line in out.split("\0") if line)
        key = got.pop("PARALLEL_API_KEY")
        self.assertEqual(key, self.around.run("key")[0].strip())
        got.pop("PWD", None)
        self.assertEqual(got, self.around.environment | {"ODD": "a\nb'c"})

    def test_signals_and_exit_codes_pass(self):
        process = self.around.start("exec", "--", "sh", "-c", "echo $$; exec sleep 600")
        self.addCleanup(process.kill)
        pid = int(process.stdout.readline())
        self.assertEqual(pid, process.pid, "it is the same process")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.wait(30), -signal.SIGUSR1)
        process.communicate()

    def test_signals_are_as_they_were(self):
        """A child must die by Ctrl-C and by a closed pipe, whatever was set before."""
        grep = ["grep", "^Sig[IB]", "/proc/self/status"]
        # The C library has these for its threads, and takes them from whoever makes some.
        own = 1 << 32 - 1 | 1 << 33 - 1

        def masks(status):
            lines = (line.split() for line in status.splitlines())
            return {name: int(mask, 16) & ~own for name, mask in lines}

        plain = masks(subprocess.run(grep, capture_output=True, text=True).stdout)
        executed = masks(self.around.run("exec", "--", *grep)[0])
        self.assertEqual(executed, plain)
        fatal = 1 << signal.SIGINT - 1 | 1 << signal.SIGPIPE - 1
        self.assertEqual([mask & fatal for mask in executed.values()], [0, 0])

    @unittest.skipIf(COMMAND[0] == "node", "Node forgets what was ignored")
    def test_what_the_parent_ignores_stays_ignored(self):
        """A server that was started by nohup survives the terminal's end."""
        script = 'trap "" HUP INT; exec "$@"'
        done = subprocess.run(
            [
                "sh",
                "-c",
                script,
                "sh",
                *COMMAND,
                "exec",
                "--",
                "grep",
                "SigIgn",
                "/proc/self/status",
            ],
            env=self.around.environment,
            capture_output=True,
            text=True,
        )
        wanted = 1 << signal.SIGHUP - 1 | 1 << signal.SIGINT - 1
        self.assertEqual(int(done.stdout.split()[1], 16) & wanted, wanted)

    def test_what_env_prints_is_evaluated(self):
        out, _, _ = self.around.run("env")
        got = subprocess.run(
            ["sh", "-c", f'{out}printf %s "$PARALLEL_API_KEY"'], capture_output=True, text=True
        ).stdout
        self.assertEqual(got, self.around.run("key")[0].strip())


class Patience(Case):
    def test_the_timeout_of_a_login_counts_from_its_start(self):
        """A platform that keeps silent must not hold a script up."""
        post(f"{self.around.control}/faults", {"route": "device_code", "delay_ms": 60000})
        start = time.monotonic()
        out, _, code = self.around.run("login", "--json", "--timeout", "0.3")
        self.assertEqual(code, 5)
        self.assertLess(time.monotonic() - start, 20)
        self.assertEqual(json.loads(out.splitlines()[-1])["error"]["code"], "timeout")


class Completion(Case):
    def test_bash_completes_what_follows_a_subcommand(self):
        script = """source <("${@:2}" completion bash)
            COMP_WORDS=($1 "") COMP_CWORD=$(wc -w <<<"$1")
            $(complete -p parallel-account | sed 's/.* -F \\([^ ]*\\) .*/\\1/') \\
                parallel-account "" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "${COMPREPLY[@]}" """
        for typed, expected in (
            ("parallel-account", "balance"),
            ("parallel-account balance", "get"),
            ("parallel-account --org org_1 keys", "create"),
            ("parallel-account env --format", "fish"),
            ("parallel-account balance add", "--idempotency-key"),
        ):
            done = subprocess.run(
                ["bash", "-c", script, "bash", typed, *COMMAND],
                env=self.around.environment,
                capture_output=True,
                text=True,
            )
            self.assertIn(expected, done.stdout.split(), (typed, done.stderr))


class FullDisk(Case):
    # Python ignores the signal itself, and Node forgets that it was ignored: their commands die.
    @unittest.skipIf(IS_SCRIPT, "the host changes what a full disk does")
    def test_no_key_is_made_that_could_not_be_stored(self):
        self.log_in()
        limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 0; exec "$@"', "sh"]
        for _ in range(3):
            done = subprocess.run(
                [*limited, *COMMAND, "key"],
                env=self.around.environment,
                capture_output=True,
                text=True,
            )
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertIn("cannot be written", done.stderr)
        self.assertEqual(get(f"{self.around.control}/keys")["made"], 0)
        self.assertEqual(self.around.run("key")[2], 0)


class Money(Case):
    def test_the_key_of_a_charge_is_known_after_kill_9(self):
        self.log_in()
        post(f"{self.around.control}/faults", {"route": "balance.add", "delay_answer_ms": 60000})
        process = self.around.start("balance", "add", "5.00", "--yes")
        key = process.stderr.readline().removeprefix("Idempotency key: ").strip()
        self.around.wait_for_request("balance.add")
        process.kill()
        process.communicate()
        out, _, code = self.around.run(
            "balance", "add", "5.00", "--yes", "--idempotency-key", key, "--json"
        )
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out)["credit_balance_cents"], 5500)


class Pending(Case):
    def start_pending(self, file="login.json"):
        _, err, code = self.around.run("login", "--pending", file)
        self.assertEqual(code, 0, err)

    def test_the_file_is_for_its_owner_alone(self):
        file = self.around.home / "login.json"
        self.start_pending()
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertIn("device_code", json.loads(file.read_text()))

    def test_a_temporary_file_can_be_used(self):
        file = self.around.home / "made-before"
        file.touch(0o644)
        self.start_pending("made-before")
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertEqual(self.around.run("login", "--pending", "made-before")[2], 0)
        self.assertFalse(file.exists())

    def refused(self, file, why):
        _, err, code = self.around.run("login", "--pending", file)
        self.assertEqual(code, 2)
        self.assertIn(why, err)

    def test_planted_files_are_refused_and_kept(self):
        home = self.around.home
        (home / "target").touch()
        (home / "link").symlink_to("target")
        self.refused("link", "symbolic link")
        os.link(home / "target", home / "second")
        self.refused("second", "second name")
        os.mkfifo(home / "fifo")
        self.refused("fifo", "not a regular file")
        (home / "notes").write_text("mine")
        self.refused("notes", "does not hold a pending login")
        (home / "binary").write_bytes(b"\xff\xfe")
        self.refused("binary", "does not hold a pending login")
        (home / "large").write_bytes(b" " * 100_000)
        self.refused("large", "does not hold a pending login")
        self.assertEqual((home / "notes").read_text(), "mine")
        self.assertEqual((home / "target").read_text(), "")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_a_file_of_another_user_is_refused(self):
        file = self.around.home / "foreign"
        file.touch()
        os.chown(file, 12345, 12345)
        self.refused("foreign", "another user")

    def test_one_run_waits_at_a_time(self):
        post(f"{self.around.control}/options", {"approve_after": 3600})
        self.start_pending()
        first = self.around.start("login", "--pending", "login.json")
        self.addCleanup(first.kill)
        while "Waiting" not in first.stderr.readline():
            pass
        self.refused("login.json", "another run is using it")
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=30)
        # An interruption keeps it.
        self.assertTrue((self.around.home / "login.json").exists())
        threading.Thread(target=self.around.approve).start()
        self.assertEqual(self.around.run("login", "--pending", "login.json")[2], 0)

    def test_a_start_that_fails_leaves_no_file(self):
        fault = {"route": "device_code", "status": 404, "times": 9}
        post(f"{self.around.control}/faults", fault)
        self.assertEqual(self.around.run("login", "--pending", "login.json")[2], 4)
        self.assertFalse((self.around.home / "login.json").exists())


class WithoutTerminal(Case):
    def test_a_qr_code_can_be_asked_for(self):
        _, err, _ = self.around.run("login", "--qr")
        self.assertGreater(sum(line.count("█") for line in err.splitlines()), 100)
        out, _, _ = self.around.run("login", "--qr", "--json")
        event = json.loads(out.splitlines()[1])
        self.assertIn("█", event["qr"])

    def test_no_secret_is_printed_elsewhere(self):
        self.log_in()
        secrets = [self.around.run("token")[0].strip(), self.around.run("key")[0].strip()]
        for arguments in (
            ["status"], ["orgs", "list"], ["balance", "get"], ["apps", "list"], ["login"],
            ["logout"],
        ):  # fmt: skip
            for form in ([], ["--json"]):
                out, err, _ = self.around.run(*arguments, *form)
                for secret in secrets:
                    self.assertNotIn(secret, out + err, arguments)
