"""With an upstream, a server that speaks OpenAI's chat completions answers in place of the toy model."""

import contextlib
import http.server
import json
import signal
import threading
import unittest
import urllib.request

from emulated import BUCKET, EmulatedCase, records

NOVA = "amazon.nova-pro-v1:0"
# Records that the emulator asks for at a time.
WIDTH = 16


class Chat(http.server.BaseHTTPRequestHandler):
    """Answers each chat with the last text in capitals, once its gate is open; remembers what it was asked."""

    asked = []
    broken = False
    gate = threading.Event()

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        type(self).asked.append((self.path, self.headers.get("authorization"), request))
        type(self).gate.wait(60)
        last = request["messages"][-1]["content"]
        text = last if isinstance(last, str) else "".join(part.get("text", "") for part in last)
        answer = {
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text.upper()}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 17, "total_tokens": 22},
        }
        body = json.dumps(answer).encode()
        with contextlib.suppress(ConnectionError):
            self.reply(body)

    def reply(self, body):
        self.send_response(503 if type(self).broken else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Upstream(EmulatedCase):
    def setUp(self):
        Chat.asked, Chat.broken = [], False
        Chat.gate.set()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        self.SETTINGS = f'[upstream]\nurl = "{url}"\nmodel = "small"\napi_key = "secret"\n'
        super().setUp()

    def converse(self, text):
        return self.runtime.converse(modelId=NOVA, messages=[{"role": "user", "content": [{"text": text}]}])

    def test_a_call_is_answered_and_metered_by_the_upstream(self):
        answer = self.converse("how are you")
        self.assertEqual(answer["output"]["message"]["content"], [{"text": "HOW ARE YOU"}])
        self.assertEqual(answer["usage"]["outputTokens"], 17)
        path, key, request = Chat.asked[0]
        self.assertEqual((path, key, request["model"]), ("/v1/chat/completions", "Bearer secret", "small"))
        billed = [line["tokens"] for line in self.emulator.bill()["lines"] if line["class"] == "output"]
        self.assertEqual(billed, [17])

    def test_a_broken_upstream_is_a_failed_model_and_is_not_billed(self):
        Chat.broken = True
        with self.refused("ModelErrorException", 424, "503"):
            self.converse("hello")
        self.assertEqual(self.emulator.bill()["lines"], [])

    def test_a_job_is_answered_by_the_upstream_and_its_finished_records_are_asked_once(self):
        self.upload(records(120))
        arn = self.create_job()
        self.wait(arn, "InProgress")
        self.emulator.advance(1)
        self.emulator.restart()
        self.connect()
        self.assertEqual(self.wait(arn)["status"], "Completed")
        lines = self.output(arn)
        texts = {line["recordId"]: line["modelOutput"]["content"][0]["text"] for line in lines}
        self.assertEqual(texts, {f"r-{i:06}": f"QUESTION {i}" for i in range(120)})
        self.assertEqual(len(Chat.asked), 120, "output that was computed before the kill is not asked for again")
        self.assertEqual(self.manifest(arn)["outputTokenCount"], 120 * 17)

    def run_until_asked(self):
        """A job whose first records are on their way to the upstream, which does not answer: by a client that hangs up."""
        self.upload(records(120))
        arn = self.create_job()
        self.wait(arn, "Scheduled")
        Chat.gate.clear()
        with self.assertRaises(TimeoutError):
            self.post_clock(timeout=1)
        while len(Chat.asked) < WIDTH:
            pass
        return arn

    def post_clock(self, timeout):
        body = json.dumps({"advance_s": 86_400}).encode()
        request = urllib.request.Request(f"{self.emulator.info['url']}/_laneshift/clock", data=body, method="POST")
        urllib.request.urlopen(request, timeout=timeout).close()

    def test_a_client_that_hangs_up_on_the_clock_leaves_one_driver(self):
        arn = self.run_until_asked()
        second = threading.Thread(target=self.post_clock, args=(60,))
        second.start()
        second.join(1)
        self.assertEqual(len(Chat.asked), WIDTH, "the second driver waits for the first")
        Chat.gate.set()
        second.join()
        self.assertEqual((self.get_job(arn)["status"], len(Chat.asked)), ("Completed", 120))

    def test_a_signal_while_records_are_asked_for_leaves_them_to_the_next_start(self):
        arn = self.run_until_asked()
        self.emulator.process.send_signal(signal.SIGINT)
        self.assertEqual(self.emulator.process.wait(timeout=30), 0)
        self.emulator.process.stdout.close()
        self.assertEqual(len(Chat.asked), WIDTH)
        Chat.gate.set()
        self.emulator.start()
        self.connect()
        self.assertEqual(self.wait(arn)["status"], "Completed")
        self.assertEqual([line for line in self.output(arn) if "error" in line], [])
        self.assertEqual(len(self.output(arn)), 120)


if __name__ == "__main__":
    unittest.main()
