"""How an emulator starts, stops, and reads its journal; and that its clock never goes back."""

import concurrent.futures
import gzip
import json
import signal
import unittest

import prices
from emulated import BUCKET, HAIKU, EmulatedCase, Emulator, records
from program import laneshift
from test_emulator_faults import HELLO, settings

# docs/errors.md
EXIT_ARGUMENT = 2
EXIT_EMULATOR, CODE_EMULATOR = 4, "LS0015"


class JournalCase(EmulatedCase):
    SETTINGS = settings(minimum=1)

    def journal(self):
        return self.emulator.folder / "journal.ndjson"

    def start_again(self):
        """The answer of a program that is expected not to run."""
        return laneshift("emulate", "--data", self.emulator.folder, "--listen", "127.0.0.1:0", "--stepped")


class Folder(JournalCase):
    def test_a_second_emulator_on_the_folder_is_refused_and_the_first_goes_on(self):
        before = prices.billed(self.emulator)
        for _ in range(2):
            done = self.start_again()
            self.assertEqual(done.returncode, EXIT_EMULATOR, done.stderr)
            self.assertIn(f"error[{CODE_EMULATOR}]: failed to ", done.stderr)
            self.assertIn("another emulator uses this folder", done.stderr)
            self.assertRegex(done.stderr, r"(?m)^hint: \S")
        self.runtime.converse(**HELLO)
        self.assertGreater(prices.billed(self.emulator), before)
        self.assertEqual(self.emulator.stop(), 0)
        self.emulator.start()

    def test_a_port_that_is_taken_is_an_error_and_leaves_the_folder_as_it_was(self):
        address = self.emulator.info["url"].removeprefix("http://")
        other = self.emulate(*self.ARGS)
        other.kill()
        done = laneshift("emulate", "--data", other.folder, "--listen", address, "--stepped")
        self.assertEqual(done.returncode, EXIT_EMULATOR, done.stderr)
        self.assertIn(address, done.stderr)
        other.start()
        self.assertEqual(other.ask("health")["status"], "ok")


class Lines(JournalCase):
    def test_a_journal_that_is_torn_anywhere_in_its_last_line_is_cut_there(self):
        self.upload(records(3))
        arn = self.create_job()
        self.wait(arn, "Completed")
        cost = prices.billed(self.emulator)
        self.runtime.converse(**HELLO)
        self.emulator.kill()
        whole = self.journal().read_bytes()
        self.assertTrue(whole.endswith(b"\n"))
        last = len(whole.splitlines(keepends=True)[-1])
        self.assertIn(b'"called"', whole[-last:])
        for missing in (1, 2, last // 2, last - 1, last):
            with self.subTest(missing=missing):
                self.journal().write_bytes(whole[:-missing])
                self.emulator.start()
                self.assertEqual(prices.billed(self.emulator), cost, "what is not whole did not happen")
                self.emulator.kill()
                self.assertTrue(self.journal().read_bytes().startswith(whole[:-last]))
                self.assertTrue(all(json.loads(line) for line in self.journal().read_text().splitlines()))
        self.emulator.start()

    def test_a_damaged_line_in_the_middle_is_an_error_that_names_it_and_changes_nothing(self):
        self.upload(records(3))
        self.wait(self.create_job(), "Completed")
        self.emulator.kill()
        whole = self.journal().read_bytes()
        lines = whole.splitlines(keepends=True)
        middle = len(lines) // 2
        for damage in (b"\n", lines[middle][:10] + b"\n", b"\x00" * 20 + b"\n", b'{"event":"nonsense"}\n', b'{"event":"job_moved"}\n'):
            with self.subTest(damage=damage):
                damaged = b"".join([*lines[:middle], damage, *lines[middle + 1 :]])
                self.journal().write_bytes(damaged)
                done = self.start_again()
                self.assertEqual(done.returncode, EXIT_EMULATOR, done.stderr)
                self.assertIn(f"error[{CODE_EMULATOR}]", done.stderr)
                self.assertIn(f"line {middle + 1} of the journal", done.stderr)
                self.assertEqual(self.journal().read_bytes(), damaged)
        self.journal().write_bytes(whole)
        self.emulator.start()

    def test_a_journal_of_a_later_version_is_refused(self):
        self.emulator.kill()
        whole = self.journal().read_text()
        self.journal().write_text(whole.replace('"version":1', '"version":999', 1))
        done = self.start_again()
        self.assertEqual(done.returncode, EXIT_EMULATOR, done.stderr)
        self.assertIn("version 999", done.stderr)
        self.journal().write_text(whole)
        self.emulator.start()

    def test_a_journal_without_the_pace_of_its_clock_is_still_read(self):
        self.emulator.advance(3600)
        clock = self.emulator.ask("clock")
        self.emulator.kill()
        entries = [json.loads(line) for line in self.journal().read_text().splitlines()]
        entries = [{name: value for name, value in entry.items() if name != "speed"} for entry in entries]
        self.journal().write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        self.emulator.start()
        self.assertEqual(self.emulator.ask("clock"), clock)


class Signals(JournalCase):
    ARGS = ("--speed", "1")

    def test_a_signal_lets_calls_end_and_loses_nothing(self):
        slow = HELLO | {"messages": [{"role": "user", "content": [{"text": "Hello [[toy: slow=1s]]"}]}]}
        expected = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number), concurrent.futures.ThreadPoolExecutor(1) as thread:
                self.emulator.faults({"fault": "throttled", "operation": "Converse", "nth": 99})
                asked = thread.submit(self.runtime.converse, **slow)
                while not self.emulator.ask("faults")["faults"][0]["seen"]:
                    pass
                self.emulator.process.send_signal(number)
                usage = asked.result()["usage"]
                self.assertEqual(self.emulator.process.wait(timeout=30), 0)
                self.emulator.process.stdout.close()
                self.emulator.start()
                self.connect()
                expected += prices.cost(HAIKU, "on_demand", input=usage["inputTokens"], output=usage["outputTokens"])
                self.assertEqual(prices.billed(self.emulator), expected)

    def test_a_signal_right_after_the_address_is_told_ends_it_in_order(self):
        for number in [signal.SIGINT, signal.SIGTERM] * 5:
            self.emulator.process.send_signal(number)
            self.assertEqual(self.emulator.process.wait(timeout=30), 0)
            self.emulator.process.stdout.close()
            self.emulator.start()


class SignalsToJobs(JournalCase):
    ARGS = ("--speed", "100000")

    def test_a_signal_while_a_job_runs_loses_no_record(self):
        n = 5_000
        self.upload(records(n, max_tokens=16))
        arn = self.create_job()
        spool = self.emulator.folder / "jobs" / arn.rsplit("/", 1)[1]
        while not spool.exists() and self.get_job(arn)["status"] != "Completed":
            pass
        self.assertEqual(self.emulator.stop(), 0)
        self.emulator.start()
        self.connect()
        while self.get_job(arn)["status"] == "InProgress":
            pass
        lines = self.output(arn)
        self.assertEqual((len(lines), self.get_job(arn)["status"]), (n, "Completed"))
        self.assertEqual(prices.billed(self.emulator), prices.of_output(HAIKU, lines))


class Time(JournalCase):
    def test_the_clock_never_goes_back_at_whatever_pace_it_is_started_again(self):
        self.emulator.advance(86_400)
        seen = self.emulator.ask("clock")["now"]
        folder = self.emulator.folder
        for pace in (["--speed", "100000"], ["--stepped"], ["--speed", "5000"], ["--speed", "1"], ["--stepped"], ["--speed", "0.5"]):
            self.emulator.kill()
            self.emulator = Emulator(*pace, folder=folder)
            self.addCleanup(self.emulator.close)
            now = self.emulator.ask("clock")["now"]
            self.assertGreaterEqual(now, seen, pace)
            seen = self.emulator.ask("clock")["now"]
            self.assertGreaterEqual(seen, now, pace)

    def test_a_speed_that_no_clock_can_keep_is_refused(self):
        for speed in ("0", "-1", "nan", "inf", "1e-9", "1e30"):
            done = laneshift("emulate", "--data", self.emulator.folder, "--listen", "127.0.0.1:0", f"--speed={speed}")
            self.assertEqual(done.returncode, EXIT_ARGUMENT, done.stderr)
            self.assertIn("--speed: a number from 0.001 to 1000000 is needed", done.stderr)

    def test_the_start_is_for_a_new_folder_only_and_a_step_back_is_refused(self):
        self.emulator.advance(3600)
        now = self.emulator.ask("clock")["now"]
        self.assertEqual(now[:19], "2026-11-02T01:00:00")
        self.emulator.restart()
        self.assertEqual(self.emulator.ask("clock")["now"], now, "though --start was given again")
        with self.assertRaisesRegex(AssertionError, "does not go back"):
            self.emulator.ask("clock", {"to": "2026-11-02T00:59:59Z"})
        with self.assertRaisesRegex(AssertionError, "advance_s"):
            self.emulator.ask("clock", {"advance_s": -1})
        self.assertEqual(self.emulator.ask("clock")["now"], now)


class Logs(JournalCase):
    def test_invocation_logs_that_wait_are_delivered_once_after_kill_nine(self):
        config = {"s3Config": {"bucketName": BUCKET, "keyPrefix": "logs"}}
        self.bedrock.put_model_invocation_logging_configuration(loggingConfig=config)
        asked = [self.runtime.converse(**HELLO)["ResponseMetadata"]["RequestId"] for _ in range(5)]
        self.emulator.restart()
        self.connect()
        asked += [self.runtime.converse(**HELLO)["ResponseMetadata"]["RequestId"] for _ in range(5)]
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: self.emulator.ask("flush", method="POST"), range(8)))
        asked += [self.runtime.converse(**HELLO)["ResponseMetadata"]["RequestId"] for _ in range(5)]
        self.emulator.restart()
        self.connect()
        self.emulator.advance(3600)
        self.assertEqual(sorted(self.logged()), sorted(asked))

    def logged(self):
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="logs/")["Contents"]
        for key in (entry["Key"] for entry in found if entry["Key"].endswith(".json.gz")):
            text = gzip.decompress(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()).decode()
            yield from (json.loads(line)["requestId"] for line in text.splitlines())


if __name__ == "__main__":
    unittest.main()
