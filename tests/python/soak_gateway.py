"""Ten thousand open streams at once through a gateway: too long for every run.

`cargo xtask soak gateway` runs it over the release binary. It prints what it measured and fails when a promise does.
"""

import unittest

import test_gateway_streams


class OverHttp2(test_gateway_streams.OverHttp2):
    """Each stream takes one descriptor of the gateway, to its upstream, and one of this process, which is the upstream."""

    STREAMS, RSS_BYTES_MAX = 10_000, 400_000_000


class OverHttp1(test_gateway_streams.OverHttp1):
    """Each stream takes two descriptors of the gateway, and two of this process: of 20,000 that a process often may have."""

    STREAMS, RSS_BYTES_MAX = 9_900, 600_000_000


if __name__ == "__main__":
    unittest.main()
