"""Bad input of every kind: what is wrong is said, what to do too, and nothing that was accepted is lost."""

import json
import os
import resource
import subprocess
import threading
import unittest

from emulated import BUCKET, HAIKU, ROLE, claude
from program import BIN
from test_batch_run import BatchCase


class Input(BatchCase):
    def raw(self, text):
        self.input.write_bytes(text if isinstance(text, bytes) else text.encode())

    def record(self, i, **more):
        return json.dumps({"recordId": f"my-{i}", "modelInput": claude(f"question {i}")} | more)

    def refuses(self, *words, **arguments):
        done = self.run_batch(**arguments)
        error = self.error(done, 3)
        for word in words:
            self.assertIn(word, error["message"])
        self.assertTrue(error["hint"])
        self.assertEqual((self.jobs(), list((self.folder / "queue" / "spool").glob("*"))), ([], []), "nothing was accepted")

    def test_windows_line_ends_and_empty_lines_are_no_matter(self):
        self.raw("\r\n\r\n".join(self.record(i) for i in range(110)))
        receipt = self.receipt(self.run_batch())
        self.assert_whole(110, receipt)

    def test_records_without_an_id_are_known_by_their_line(self):
        self.raw("\n".join(json.dumps({"modelInput": claude(f"question {i}")}) for i in range(100)))
        self.receipt(self.run_batch())
        self.assertEqual([line["recordId"] for line in self.answers()], [f"line-{i + 1}" for i in range(100)])

    def test_a_byte_order_mark_is_named(self):
        self.raw(b"\xef\xbb\xbf" + self.record(1).encode())
        self.refuses("line 1: the file begins with a byte order mark")

    def test_a_character_cut_in_two_is_named(self):
        self.raw(self.record(1).encode() + b'\n{"modelInput":{"prompt":"\xc3"}}\n')
        self.refuses("line 2: no valid UTF-8")

    def test_an_id_that_is_too_long_is_named(self):
        self.raw(self.record("x" * 600))
        self.refuses("line 1: recordId has 603 bytes; at most 512")

    def test_a_record_of_more_than_25_mb_is_named_and_the_lines_after_it_are_still_read(self):
        self.raw(self.record(1) + "\n" + json.dumps({"modelInput": claude("x" * 25_000_001)}) + "\n" + "nonsense\n")
        self.refuses("2 lines", "line 2: the line has more than 25000000 bytes", "line 3: not a JSON object")

    def test_a_file_without_records_and_one_that_is_not_there_are_said(self):
        self.raw("\n\n")
        self.refuses("it has no record")
        self.input.unlink()
        self.refuses("no such file")

    def test_nesting_without_end_is_named(self):
        for before, after in [('{"modelInput":{"a":', "}}"), ('{"custom_id":"a","params":{"max_tokens":1,"messages":', "}}")]:
            self.raw(before + "[" * 100_000 + "]" * 100_000 + after)
            self.refuses("line 1:")

    def test_a_role_that_is_none_is_said_before_anything_else(self):
        self.write(1)
        arguments = [argument if argument != ROLE else "nonsense" for argument in self.arguments()]
        done = self.laneshift(*arguments)
        self.assertEqual((done.returncode, "--role" in done.stderr), (2, True), done.stderr)

    def test_every_bad_line_is_named_for_machines_and_the_first_for_people(self):
        self.raw("nonsense\n" * 50)
        error = self.error(self.run_batch(), 3)
        self.assertEqual([line["line"] for line in error["lines"]], list(range(1, 51)))
        shown = self.laneshift(*self.arguments()[:-2]).stderr
        self.assertEqual((shown.count("\n  line "), "and 30 more" in shown), (20, True), shown)

    def test_requests_come_from_standard_input_and_from_a_pipe_too(self):
        text = "\n".join(self.record(i) for i in range(100))
        command = [str(BIN), "batch", *map(str, self.arguments())]
        command[command.index(str(self.input))] = "-"
        done = subprocess.run(command, env=self.environment(), input=text, capture_output=True, text=True, timeout=120, check=False)
        self.assert_whole(100, self.receipt(done))
        os.mkfifo(self.input)
        self.out = self.folder / "out2.jsonl"
        writer = threading.Thread(target=self.input.write_text, args=(text,))
        writer.start()
        done = self.run_batch()
        writer.join()
        self.assertEqual(self.receipt(done)["answered"], 100)
        self.assertIn("accepted before as", done.stderr, "and paid for twice only with a warning")

    def test_an_output_is_looked_at_before_anything_is_paid_for(self):
        self.write(100)
        link = self.folder / "link.jsonl"
        link.symlink_to(self.input)
        before = self.input.read_bytes()
        for output, words in [(self.input, "is the input"), (link, "is the input"), (self.folder, "is no file"), (self.input / "x.jsonl", "cannot be written")]:
            self.out = output
            self.assertIn(words, self.error(self.run_batch(), 2)["message"])
        self.out = self.folder / "kept.jsonl"
        self.out.write_text("of somebody\n")
        self.assertIn("--overwrite", self.error(self.run_batch(), 3)["hint"])
        self.assertEqual((self.out.read_text(), self.input.read_bytes(), self.jobs()), ("of somebody\n", before, []))
        self.assertEqual(self.receipt(self.run_batch("--overwrite"))["answered"], 100)
        self.assertEqual(len(self.answers()), 100)

    def test_times_are_written_as_people_write_them(self):
        self.write(1)
        for deadline in ["1h30m", "1.5h", "18H", "2 days", "90m"]:
            done = self.run_batch("--deadline", deadline, "--role", "nonsense")
            self.assertNotIn("--deadline", done.stderr)
        for deadline in ["soon", "-1h", "400d", "18"]:
            self.assertIn(deadline, self.error(self.run_batch(f"--deadline={deadline}"), 2)["message"])

    def test_a_fresh_folder_has_nothing_and_that_is_no_error(self):
        done = self.laneshift("list", "--format", "json")
        self.assertEqual((done.returncode, json.loads(done.stdout)), (0, []))
        self.assertIn("find a queue", self.error(self.laneshift("status", "--format", "json"), 3)["message"])

    def test_a_model_that_aws_does_not_know_is_said_before_anything_is_accepted(self):
        self.write(100)
        error = self.error(self.run_batch("--rescue", "none", model="anthropic.claude-nonsense-v9:0"), 3)
        self.assertIn("is no model in us-east-1", error["message"])
        self.assertEqual(json.loads(self.laneshift("list", "--format", "json").stdout), [])
        self.assert_whole(100, self.receipt(self.run_batch()))

    def test_a_bucket_that_is_not_there_is_said_and_nothing_is_lost(self):
        self.write(100)
        done = self.laneshift("run", self.input, "--model", HAIKU, "--role", ROLE, "--s3", "s3://later/batch", "--output", self.out, "--yes", "--format", "json")
        self.assertEqual((done.returncode, "there is no such bucket" in done.stderr), (4, True), done.stderr)
        client = self.emulator.client("s3")
        client.create_bucket(Bucket="later")
        client.close()
        self.assert_whole(100, self.receipt(self.laneshift("resume", "--format", "json")))

    def test_keys_that_s3_refuses_are_said_and_nothing_is_lost(self):
        self.write(100)
        self.assertNotEqual(self.run_batch(die_after="intended").returncode, 0)
        good = self.environment
        self.environment = lambda: good() | {"AWS_SECRET_ACCESS_KEY": "wrong"}
        done = self.laneshift("resume")
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, "InvalidSignature|SignatureDoesNotMatch|Unauth|denied|Forbidden|403")
        self.environment = good
        self.assert_whole(100, self.receipt(self.laneshift("resume", "--format", "json")))


class Disk(BatchCase):
    """A limit on the size of a file stands for the full disk."""

    def limited(self, size, *args):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))  # noqa: E731
        return self.laneshift(*args, preexec_fn=limit, restore_signals=False)

    def test_a_disk_that_is_full_at_intake_is_said_and_nothing_stays(self):
        self.write(3_000)
        done = self.limited(200_000, *self.arguments())
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("File too large", done.stderr)
        self.assertEqual(list((self.folder / "queue" / "spool").glob("*")), [])
        self.assert_whole(3_000, self.receipt(self.run_batch()))

    def test_a_disk_that_is_full_when_answers_come_loses_nothing(self):
        self.write(8_000)
        self.assertNotEqual(self.run_batch(die_after="ended").returncode, 0)
        done = self.limited(1_500_000, "resume")
        self.assertEqual((done.returncode, "File too large" in done.stderr), (4, True), done.stderr)
        self.assert_whole(8_000, self.receipt(self.laneshift("resume", "--format", "json")))
        self.assertEqual(len(self.jobs()), 1)

    def test_a_folder_that_cannot_be_written_is_named(self):
        self.write(100)
        done = self.run_batch("--data", "/proc/laneshift")
        self.assertEqual((done.returncode, "/proc/laneshift" in done.stderr), (4, True), done.stderr)

    def test_an_output_that_cannot_be_written_is_named_and_the_answers_are_kept(self):
        self.write(100)
        self.out = self.folder / "gone" / "out.jsonl"
        self.assertNotEqual(self.run_batch(die_after="booked").returncode, 0)
        self.out.parent.rmdir()
        self.out.parent.write_text("in the way")
        first = json.loads(self.laneshift("list", "--format", "json").stdout)[0]["id"]
        # One behind it is not held up by it.
        self.write(100, max_tokens=17)
        self.out = self.folder / "second.jsonl"
        self.assertNotEqual(self.run_batch(die_after="accepted").returncode, 0)
        error = self.error(self.laneshift("resume", "--format", "json"), 4)
        self.assertEqual((error["code"], "gone/out.jsonl" in error["message"]), ("LS0026", True))
        self.assertEqual(len(self.answers()), 100)
        kept = self.folder / "kept.jsonl"
        self.assertEqual(self.laneshift("results", first, "--output", kept).returncode, 0)
        self.assertEqual(len(self.answers(kept)), 100)

    def test_what_else_is_answered_meanwhile_is_delivered_too(self):
        self.write(100)
        self.assertNotEqual(self.run_batch(die_after="accepted").returncode, 0)
        first, self.out = self.out, self.folder / "second.jsonl"
        self.write(100, max_tokens=17)
        self.receipt(self.run_batch())
        states = {row["state"] for row in json.loads(self.laneshift("list", "--format", "json").stdout)}
        self.assertEqual((states, len(self.answers(first)), len(self.answers())), ({"delivered"}, 100, 100))


del BatchCase

if __name__ == "__main__":
    unittest.main()
