"""A connection of HTTP/2 with prior knowledge: many calls at once over one socket."""

import asyncio

import h2.config
import h2.connection
import h2.events


class Call:
    """An answer that comes."""

    def __init__(self, reads):
        self.reads = reads
        self.head = asyncio.get_running_loop().create_future()
        self.whole = asyncio.get_running_loop().create_future()
        self.body = b""


class Connection(asyncio.Protocol):
    """Reads answers as they come, but for those of calls that do not."""

    def __init__(self):
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.calls = {}
        self.lost = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, host, port):
        _, connection = await asyncio.get_running_loop().create_connection(cls, host, port)
        return connection

    def connection_made(self, transport):
        self.transport = transport
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 24)
        self.flush()

    def flush(self):
        self.transport.write(self.h2.data_to_send())

    def post(self, path, headers, body, reads=True):
        stream = self.h2.get_next_available_stream_id()
        pseudo = {":method": "POST", ":scheme": "http", ":authority": "x", ":path": path}
        self.h2.send_headers(stream, list((pseudo | headers).items()))
        self.h2.send_data(stream, body, end_stream=True)
        self.calls[stream] = Call(reads)
        self.flush()
        return self.calls[stream]

    def data_received(self, data):
        for event in self.h2.receive_data(data):
            match event:
                case h2.events.ResponseReceived():
                    self.calls[event.stream_id].head.set_result(dict(event.headers))
                case h2.events.DataReceived():
                    call = self.calls[event.stream_id]
                    if call.reads:
                        call.body += event.data
                        self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case h2.events.StreamEnded():
                    call = self.calls.pop(event.stream_id)
                    call.whole.set_result(call.body)
                case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                    self.fail(ConnectionError(repr(event)))
        self.flush()

    def connection_lost(self, exc):
        self.fail(exc or ConnectionError("the connection was closed"))
        self.lost.set_result(None)

    def fail(self, error):
        for call in self.calls.values():
            for waits in (call.head, call.whole):
                if not waits.done():
                    waits.set_exception(error)
        self.calls.clear()
