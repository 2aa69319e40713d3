"""Bad input of every kind: what is wrong is said, what to do too, and nothing that was accepted is lost."""

import json
import resource
import unittest

from emulated import BUCKET, HAIKU, ROLE, claude
from test_batch_run import BatchCase


class Input(BatchCase):
    def raw(self, text):
        self.input.write_bytes(text if isinstance(text, bytes) else text.encode())

    def record(self, i, **more):
        return json.dumps({"recordId": f"my-{i}", "modelInput": claude(f"question {i}")} | more)

    def refuses(self, *words, **arguments):
        done = self.run_batch(**arguments)
        self.assertEqual(done.returncode, 3, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertIn("hint:", done.stderr)
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
        self.refuses("No such file")

    def test_nesting_without_end_is_named(self):
        for before, after in [('{"modelInput":{"a":', "}}"), ('{"custom_id":"a","params":{"max_tokens":1,"messages":', "}}")]:
            self.raw(before + "[" * 100_000 + "]" * 100_000 + after)
            self.refuses("line 1:")

    def test_a_role_that_is_none_is_said_before_anything_else(self):
        self.write(1)
        arguments = [argument if argument != ROLE else "nonsense" for argument in self.arguments()]
        done = self.laneshift(*arguments)
        self.assertEqual((done.returncode, "--role" in done.stderr), (2, True), done.stderr)

    def test_a_model_that_aws_does_not_know_is_said_and_can_be_run_as_another(self):
        self.write(100)
        done = self.run_batch("--rescue", "none", model="anthropic.claude-nonsense-v9:0")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("ValidationException", done.stderr)
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
        self.out = self.folder / "in.jsonl" / "out.jsonl"
        done = self.run_batch()
        self.assertEqual((done.returncode, str(self.out) in done.stderr), (4, True), done.stderr)
        kept = self.folder / "kept.jsonl"
        self.assertEqual(self.laneshift("results", "--output", kept).returncode, 0)
        self.assertEqual(len(self.answers(kept)), 100)


del BatchCase

if __name__ == "__main__":
    unittest.main()
