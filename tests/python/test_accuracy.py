"""What the audit of a generated company predicts is what its month as planned saves."""

import pathlib
import tempfile
import unittest

from accuracy import month


class Accuracy(unittest.TestCase):
    def run_month(self, seed, sample):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        one = month(seed, sample, pathlib.Path(folder.name) / "demo")
        self.assertGreater(one["planned"], 0, "there is something to compare")
        self.assertLess(abs(one["error"]), 5, one)
        self.assertLessEqual(one["saved"], one["ceiling"])
        kept, promised = one["kept"]
        self.assertEqual(kept, promised)
        return one

    def test_a_company_whose_work_goes_to_batch(self):
        self.assertGreater(self.run_month(17, sample=200)["kept"][0], 0)

    def test_a_company_whose_work_goes_to_flex(self):
        self.assertEqual(self.run_month(2, sample=100)["kept"][0], 0)

    def test_a_company_of_which_nearly_half_can_be_saved(self):
        one = self.run_month(4, sample=200)
        self.assertGreater(one["saved"], one["before"] / 3)


if __name__ == "__main__":
    unittest.main()
