"""The smaller twin of the soak: twenty thousand records in one run, and twenty kills at random moments."""

import unittest

import soak_batch


class Twin(soak_batch.Soak):
    RECORDS, KILLS, KILLED_RECORDS = 20_000, 20, 3_000


if __name__ == "__main__":
    unittest.main()
