"""Story F20: notices of state changes that are lost, doubled or late, read from the feed and pushed to a listener."""

import http.server
import json
import queue
import socket
import threading
import time
import unittest

import prices
from emulated import BUCKET, HAIKU, records
from test_emulator_faults import StoryCase, settings

COURSE = ["Submitted", "Validating", "Scheduled", "InProgress", "Completed"]
# How long a listener waits before it says that nothing came; a notice that does come is taken at once.
PATIENCE_S = 10
# How long the emulator waits for a listener's answer; a job has five notices.
ANSWER_S_MAX = 5


class Listener:
    """Somebody that events are posted to."""

    def __init__(self):
        self.heard = queue.Queue()
        heard = self.heard

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                heard.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/events"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def take(self, count):
        """The next statuses that are posted."""
        return [self.heard.get(timeout=PATIENCE_S)["detail"]["status"] for _ in range(count)]


class EventCase(StoryCase):
    def feed(self):
        return self.emulator.ask("events")["events"]

    def statuses(self, arn=None):
        return [e["detail"]["status"] for e in self.feed() if arn in (None, e["detail"]["batchJobArn"])]

    def run_job(self, name="job"):
        self.upload(records(3))
        arn = self.create_job(name)
        self.wait(arn, "Completed")
        return arn


class Feed(EventCase):
    def test_f20_every_state_is_announced_once_in_the_form_of_eventbridge(self):
        arn = self.run_job("announced")
        events = self.feed()
        self.assertEqual([e["detail"]["status"] for e in events], COURSE)
        for event in events:
            self.assertEqual((event["source"], event["detail-type"]), ("aws.bedrock", "Batch Inference Job State Change"))
            self.assertEqual(event["resources"], [arn])
            self.assertEqual((event["detail"]["batchJobName"], event["detail"]["batchModelId"]), ("announced", HAIKU))
        self.assertEqual(len({event["id"] for event in events}), len(events))

    def test_f20_events_of_a_job_are_lost_while_the_job_runs_and_is_billed(self):
        self.emulator.faults({"fault": "F20", "nth": 1})
        silent, loud = self.run_job("silent"), self.run_job("loud")
        self.assertEqual((self.statuses(silent), self.statuses(loud)), ([], COURSE))
        cost = sum(prices.of_output(HAIKU, self.output(arn)) for arn in (silent, loud))
        self.assertEqual(self.billed(), cost)

    def test_f20_events_come_twice_with_the_same_id_and_the_job_is_billed_once(self):
        self.emulator.faults({"fault": "events_twice"})
        arn = self.run_job()
        self.assertEqual(self.statuses(arn), [status for status in COURSE for _ in range(2)])
        self.assertEqual(len({event["id"] for event in self.feed()}), len(COURSE))
        self.assertEqual(self.billed(), prices.of_output(HAIKU, self.output(arn)))

    def test_f20_events_come_late_and_long_after_the_state_that_they_tell(self):
        self.emulator.faults({"fault": "events_late", "minutes": 600})
        arn = self.run_job()
        self.assertEqual(self.statuses(arn), [])
        self.emulator.advance(600 * 60)
        self.assertEqual(self.statuses(arn), COURSE)

    def test_f20_completed_may_be_announced_before_the_manifest_is_visible(self):
        self.emulator.faults({"fault": "late_results", "minutes": 10})
        arn = self.run_job()
        self.assertEqual(self.statuses(arn)[-1], "Completed")
        with self.refused("NoSuchKey", 404):
            self.manifest(arn)
        self.emulator.advance(600)
        self.assertEqual(self.manifest(arn)["successRecordCount"], 3)

    def test_f20_whoever_listens_for_completed_only_never_hears_of_a_failure(self):
        self.upload(["no record"])
        arn = self.create_job()
        self.wait(arn, "Failed")
        self.assertEqual(self.statuses(arn), ["Submitted", "Validating", "Failed"])
        self.assertIn("not a JSON object", self.feed()[-1]["detail"]["failureMessage"])

    def test_f20_the_feed_survives_kill_nine(self):
        self.emulator.faults({"fault": "events_twice"})
        self.run_job()
        before = self.feed()
        self.emulator.restart()
        self.assertEqual(self.feed(), before)


class Pushed(EventCase):
    def setUp(self):
        self.listener = Listener()
        self.addCleanup(self.listener.close)
        self.SETTINGS = f'events_url = "{self.listener.url}"\n' + settings(minimum=1)
        super().setUp()

    def test_f20_a_listener_hears_every_state_once(self):
        self.run_job()
        self.assertEqual(self.listener.take(len(COURSE)), COURSE)
        self.assertTrue(self.listener.heard.empty())
        self.emulator.restart()
        self.connect()
        self.run_job("after-a-restart")
        self.assertEqual(self.listener.take(len(COURSE)), COURSE, "what was told before is not told again")

    def test_f20_a_listener_hears_twice_of_one_job_and_nothing_of_another(self):
        self.emulator.faults({"fault": "events_lost", "nth": 1}, {"fault": "events_twice", "nth": 2})
        silent, doubled = self.run_job("silent"), self.run_job("doubled")
        heard = [self.listener.heard.get(timeout=PATIENCE_S) for _ in range(2 * len(COURSE))]
        self.assertEqual({event["detail"]["batchJobArn"] for event in heard}, {doubled}, silent)
        self.assertTrue(self.listener.heard.empty())

    def test_f20_a_listener_hears_late(self):
        self.emulator.faults({"fault": "events_late", "minutes": 600})
        self.run_job()
        self.assertTrue(self.listener.heard.empty())
        self.emulator.advance(600 * 60)
        self.assertEqual(self.listener.take(len(COURSE)), COURSE)

    def test_f20_a_late_notice_reaches_the_listener_after_kill_nine_too(self):
        self.emulator.faults({"fault": "events_late", "minutes": 600})
        self.run_job()
        self.emulator.restart()
        self.connect()
        self.emulator.advance(600 * 60)
        self.assertEqual(self.listener.take(len(COURSE)), COURSE)

    def test_f20_a_listener_that_never_answers_stops_no_job(self):
        deaf = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(deaf.close)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/events"
        self.emulator = self.emulate(*self.ARGS, settings=f'events_url = "{url}"\n' + settings(minimum=1))
        self.connect()
        self.s3.create_bucket(Bucket=BUCKET)
        begun = time.monotonic()
        self.run_job()
        self.assertLess(time.monotonic() - begun, ANSWER_S_MAX)

    def test_f20_a_listener_that_is_gone_stops_no_job(self):
        self.listener.server.server_close()
        arn = self.run_job()
        self.assertEqual(self.billed(), prices.of_output(HAIKU, self.output(arn)))


if __name__ == "__main__":
    unittest.main()
