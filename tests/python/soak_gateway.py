"""As many open streams as this machine's limit of 20,000 descriptors a process lets through a gateway: too long for every run.

`cargo xtask soak gateway` runs it over the release binary. It prints what it measured and fails when a promise does.
"""

import unittest

import test_gateway_streams


class Streams(test_gateway_streams.Streams):
    """Each stream takes two descriptors of the gateway, and two of this process: its own end and the upstream's."""

    STREAMS, RSS_BYTES_MAX = 9_900, 600_000_000


if __name__ == "__main__":
    unittest.main()
