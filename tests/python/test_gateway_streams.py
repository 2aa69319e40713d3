"""Many open streams at once: bounded memory, and a reader that does not read slows nobody.

The upstream is a server of this file, so that a stream is as long and as slow as a test wants it. Soak runs it with 10,000 streams.
"""

import asyncio
import binascii
import ctypes
import json
import os
import pathlib
import socket
import struct
import unittest
from decimal import Decimal

import openai
from botocore.eventstream import EventStreamBuffer

from emulated import Emulator
from gateway import REGION, Gateway
from http2 import Connection

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
    """Answers every call of a model with a stream: of a few frames that ends when it is told to, or without end for a call of `pour`."""

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


# Linux, asm-generic/unistd.h: the same number on every architecture.
SYS_PIDFD_GETFD = 438


def sockets(pid):
    """The connected TCP sockets of another process, each as a duplicate that shares all its options."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            if not os.readlink(entry).startswith("socket:"):
                continue
            fd = libc.syscall(SYS_PIDFD_GETFD, process, int(entry.name), 0)
            if fd < 0:
                raise OSError(ctypes.get_errno(), "pidfd_getfd")
            with socket.socket(fileno=fd) as there:
                if there.family != socket.AF_INET or there.type != socket.SOCK_STREAM:
                    continue
                try:
                    there.getpeername()
                except OSError:
                    continue  # It listens.
                yield there
    finally:
        os.close(process)


class Cases:
    """What holds for streams, however their clients connect: `begin` and `rest` say how."""

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

    def address(self):
        host, port = self.gateway.info["url"].removeprefix("http://").split(":")
        return host, int(port)

    def booked(self):
        lines = [line for path in (self.gateway.folder / "ledger").rglob("*.json") for line in path.read_text(encoding="utf-8").splitlines()]
        return [json.loads(line) for line in lines]

    def test_many_streams_are_open_at_once_in_bounded_memory_and_each_is_whole(self):
        async def run():
            upstream = Upstream()
            self.start(await upstream.serve())
            gate = asyncio.Semaphore(200)

            async def begin(number):
                async with gate:
                    return await self.begin(number)

            streams = await asyncio.gather(*(begin(number) for number in range(self.STREAMS)))
            self.assertEqual(upstream.open, self.STREAMS)
            rss = self.rss()
            upstream.end.set()
            answers = await asyncio.gather(*(self.rest(*stream) for stream in streams))
            upstream.server.close()
            await self.disconnect()
            return rss, answers

        rss, answers = asyncio.run(run())
        self.assertEqual({answer for answer in answers}, {FIRST + DELTA + LAST})
        self.assertLess(rss, self.RSS_BYTES_MAX)
        self.assertEqual(self.gateway.stop(), 0)
        records = self.booked()
        self.assertEqual(len(records), self.STREAMS)
        self.assertEqual({record["laneshift"]["certainty"] for record in records}, {"exact"})
        print(f"{self.STREAMS} open streams: {rss // 1_000_000} MB, {rss // self.STREAMS} bytes each")

    def test_nothing_waits_for_a_full_packet_on_either_side(self):
        """Where one side of a stream has Nagle's algorithm, the other's delayed acknowledgement holds a small frame back for 40 ms."""

        async def run():
            upstream = Upstream()
            self.start(await upstream.serve())
            streams = [await self.begin(number) for number in range(3)]
            pid = self.gateway.process.pid
            without_delay = [there.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for there in sockets(pid)]
            upstream.end.set()
            await asyncio.gather(*(self.rest(*stream) for stream in streams))
            upstream.server.close()
            await self.disconnect()
            return without_delay

        without_delay = asyncio.run(run())
        self.assertGreaterEqual(len(without_delay), self.SOCKETS_OF_THREE)
        self.assertEqual(set(without_delay), {1})

    def test_a_reader_that_does_not_read_slows_nobody_and_fills_no_memory(self):
        async def run():
            upstream = Upstream()
            self.start(await upstream.serve())
            before = self.rss()
            slow = await self.begin(0, "pour")
            streams = [await self.begin(number) for number in range(20)]
            await asyncio.sleep(1)
            poured, grown = upstream.poured, self.rss() - before
            upstream.end.set()
            answers = [await self.rest(*stream) for stream in streams]
            self.leave(*slow)
            upstream.server.close()
            await self.disconnect()
            self.assertEqual(set(answers), {FIRST + DELTA + LAST})
            return poured, grown

        poured, grown = asyncio.run(run())
        self.assertLess(poured, 60_000_000, "the upstream is held up, and not read into memory")
        self.assertLess(grown, 30_000_000)


def ask(text):
    return json.dumps({"messages": [{"role": "user", "content": [{"text": text}]}], "inferenceConfig": {"maxTokens": 50}}).encode()


class OverHttp1(Cases, unittest.TestCase):
    """A connection for each stream."""

    # Of three streams: one to each client, and one to the upstream for each.
    SOCKETS_OF_THREE = 6

    async def begin(self, _number, text="hello"):
        """Asks, and reads the head of the answer."""
        reader, writer = await asyncio.open_connection(*self.address())
        body = ask(text)
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

    def leave(self, _reader, writer):
        writer.close()

    async def disconnect(self):
        """Each stream has closed its own connection."""

    def test_a_stream_that_falls_silent_is_ended_as_aws_says_it_and_booked_with_what_is_known(self):
        async def run():
            upstream = Upstream()
            self.start(await upstream.serve(), "[limits]\nidle_s = 1\n")
            silent = await self.rest(*await self.begin(0))
            told = await self.rest(*await self.begin(0, "told"))
            with self.assertRaises((asyncio.IncompleteReadError, ValueError)):
                await self.rest(*await self.begin(0, "torn"))
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


class OverHttp2(Cases, unittest.TestCase):
    """Many streams on one connection."""

    SOCKETS_OF_THREE = 4
    # As many as the gateway takes on one.
    PER_CONNECTION = 200

    def setUp(self):
        super().setUp()
        self.connections = {}

    async def begin(self, number, text="hello"):
        place = number // self.PER_CONNECTION
        if place not in self.connections:
            self.connections[place] = asyncio.ensure_future(Connection.open(*self.address()))
        connection = await asyncio.shield(self.connections[place])
        headers = {"authorization": f"Bearer {self.key['api_key']}"}
        call = connection.post(f"/model/{MODEL}/converse-stream", headers, ask(text), reads=text != "pour")
        self.assertEqual((await call.head)[":status"], "200")
        return (call,)

    async def rest(self, call):
        return await call.whole

    def leave(self, call):
        call.whole.cancel()

    async def disconnect(self):
        for connection in await asyncio.gather(*self.connections.values()):
            connection.transport.close()
            await connection.lost


if __name__ == "__main__":
    unittest.main()
