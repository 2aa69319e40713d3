"""Many open streams at once: bounded memory, and a reader that does not read slows nobody.

The upstream is a server of this file, so that a stream is as long and as slow as a test wants it. Soak runs it with 10,000 streams.
"""

import asyncio
import binascii
import json
import pathlib
import struct
import unittest
from decimal import Decimal

import openai
from botocore.eventstream import EventStreamBuffer

from emulated import Emulator
from gateway import REGION, Gateway

MODEL = "us.amazon.nova-lite-v1:0"


def frame(kind, payload):
    """A frame of an event stream as AWS writes it."""
    headers = b""
    for name, value in [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")]:
        headers += struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack("!I", binascii.crc32(prelude)) + headers + body
    return message + struct.pack("!I", binascii.crc32(message))


FIRST = frame("messageStart", {"role": "assistant"})
DELTA = frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "some words "}})
LARGE = frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "x" * 60_000}})
LAST = frame("messageStop", {"stopReason": "end_turn"}) + frame("metadata", {"usage": {"inputTokens": 7, "outputTokens": 5, "totalTokens": 12}})


# What comes before the upstream says nothing more, by a word of the call.
SILENT = {b"torn": DELTA[:-9], b"told": DELTA + LAST}


class Upstream:
    """Answers every call with a stream: of a few frames that ends when it is told to, or without end for a call of `pour`."""

    def __init__(self):
        self.open, self.end = 0, asyncio.Event()
        self.poured = 0

    async def serve(self):
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", 0, backlog=20_000)
        return self.server.sockets[0].getsockname()[1]

    async def answer(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"/converse-stream " not in head:
                # It is asked for quotas, and has none.
                writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                return
            length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            body = await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\nconnection: close\r\n\r\n" + FIRST)
            await writer.drain()
            self.open += 1
            if b"pour" in body:
                while not self.end.is_set():
                    writer.write(LARGE)
                    await writer.drain()
                    self.poured += len(LARGE)
            for word, more in SILENT.items():
                if word in body:
                    writer.write(more)
                    await writer.drain()
            await self.end.wait()
            writer.write(DELTA + LAST)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


class Streams(unittest.TestCase):
    STREAMS, RSS_BYTES_MAX = 400, 120_000_000

    def setUp(self):
        self.emulator = Emulator()
        self.addCleanup(self.emulator.close)

    def start(self, port, more=""):
        config = f'[[upstream]]\nregion = "{REGION}"\nendpoint_url = "http://127.0.0.1:{port}"\n{more}'
        self.gateway = Gateway(self.emulator, config=config)
        self.addCleanup(self.gateway.close)
        self.key = self.gateway.json("keys", "create", "--owner", "team-a")
        self.gateway.kill()
        self.gateway.start()

    def rss(self):
        status = pathlib.Path(f"/proc/{self.gateway.process.pid}/status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    async def call(self, text="hello"):
        """Asks, and reads the head of the answer."""
        host, port = self.gateway.info["url"].removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        body = json.dumps({"messages": [{"role": "user", "content": [{"text": text}]}], "inferenceConfig": {"maxTokens": 50}}).encode()
        writer.write(
            f"POST /model/{MODEL}/converse-stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.key['api_key']}\r\n"
            f"content-length: {len(body)}\r\n\r\n".encode() + body
        )
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200"), head)
        return reader, writer

    async def rest(self, reader, writer):
        """The frames of a chunked answer to its end."""
        got = b""
        while True:
            size = int(await reader.readline(), 16)
            got += await reader.readexactly(size)
            await reader.readexactly(2)
            if size == 0:
                writer.close()
                return got

    def booked(self):
        lines = [line for path in (self.gateway.folder / "ledger").rglob("*.json") for line in path.read_text(encoding="utf-8").splitlines()]
        return [json.loads(line) for line in lines]

    def test_many_streams_are_open_at_once_in_bounded_memory_and_each_is_whole(self):
        async def run():
            upstream = Upstream()
            self.start(await upstream.serve())
            gate = asyncio.Semaphore(200)

            async def begin():
                async with gate:
                    return await self.call()

            streams = await asyncio.gather(*(begin() for _ in range(self.STREAMS)))
            self.assertEqual(upstream.open, self.STREAMS)
            rss = self.rss()
            upstream.end.set()
            answers = await asyncio.gather(*(self.rest(*stream) for stream in streams))
            upstream.server.close()
            return rss, answers

        rss, answers = asyncio.run(run())
        self.assertEqual({answer for answer in answers}, {FIRST + DELTA + LAST})
        self.assertLess(rss, self.RSS_BYTES_MAX)
        self.assertEqual(self.gateway.stop(), 0)
        records = self.booked()
        self.assertEqual(len(records), self.STREAMS)
        self.assertEqual({record["laneshift"]["certainty"] for record in records}, {"exact"})
        print(f"{self.STREAMS} open streams: {rss // 1_000_000} MB, {rss // self.STREAMS} bytes each")

    def test_a_reader_that_does_not_read_slows_nobody_and_fills_no_memory(self):
        async def run():
            upstream = Upstream()
            self.start(await upstream.serve())
            before = self.rss()
            slow = await self.call("pour")
            for _ in range(20):
                reader, writer = await self.call()
                self.assertTrue(await reader.readline())
                writer.close()
            await asyncio.sleep(1)
            poured, grown = upstream.poured, self.rss() - before
            upstream.end.set()
            slow[1].close()
            upstream.server.close()
            return poured, grown

        poured, grown = asyncio.run(run())
        self.assertLess(poured, 60_000_000, "the upstream is held up, and not read into memory")
        self.assertLess(grown, 30_000_000)

    def test_a_stream_that_falls_silent_is_ended_as_aws_says_it_and_booked_with_what_is_known(self):
        async def run():
            upstream = Upstream()
            self.start(await upstream.serve(), "[limits]\nidle_s = 1\n")
            silent = await self.rest(*await self.call())
            told = await self.rest(*await self.call("told"))
            with self.assertRaises((asyncio.IncompleteReadError, ValueError)):
                await self.rest(*await self.call("torn"))
            said = await asyncio.to_thread(self.chat)
            upstream.server.close()
            return silent, told, said

        silent, told, said = asyncio.run(run())
        self.assertTrue(silent.startswith(FIRST))
        buffer = EventStreamBuffer()
        buffer.add_data(silent[len(FIRST) :])
        [event] = buffer
        self.assertEqual((event.headers[":message-type"], event.headers[":exception-type"]), ("exception", "modelStreamErrorException"))
        self.assertEqual(json.loads(event.payload), {"message": "The model has sent nothing for 1 s."})
        self.assertEqual(told, FIRST + DELTA + LAST, "nothing was missing")
        self.assertIn("has sent nothing for 1 s", said)
        self.assertEqual(self.gateway.stop(), 0)
        booked = [record["laneshift"] for record in sorted(self.booked(), key=lambda record: record["laneshift"]["attempt"])]
        self.assertEqual([one["certainty"] for one in booked], ["bound", "exact", "bound", "bound"])
        self.assertTrue(all(Decimal(one["bound_usd"]) > 0 for one in booked if one["certainty"] == "bound"))

    def chat(self):
        """What OpenAI's client hears of a stream that falls silent."""
        with openai.OpenAI(base_url=self.gateway.info["url"] + "/v1", api_key=self.key["api_key"], max_retries=0) as client:
            with self.assertRaises(openai.APIError) as caught:
                list(client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hello"}], max_tokens=50, stream=True))
        return caught.exception.message


if __name__ == "__main__":
    unittest.main()
