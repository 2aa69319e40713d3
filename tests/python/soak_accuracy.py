"""Twenty generated companies, each as it is and as its audit plans it: what was predicted against what was metered.

`cargo xtask soak accuracy` runs it over the release binary. It prints the table of docs/accuracy.md, and fails when a deadline is
missed, or when a month saves so much less than its plan said that docs/accuracy.md would have to say why.
"""

import pathlib
import tempfile
import unittest

from accuracy import HEADINGS, month, row

SEEDS = range(1, 21)
SAMPLE = 50
# The most that a plan may promise too much, in percent.
SHORT_MAX = 5


class Accuracy(unittest.TestCase):
    def test_no_month_saves_much_less_than_its_plan_says(self):
        print(f"\n| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}", flush=True)
        for seed in SEEDS:
            with self.subTest(seed=seed), tempfile.TemporaryDirectory() as folder:
                one = month(seed, SAMPLE, pathlib.Path(folder) / "demo")
                print(row(one), flush=True)
                kept, promised = one["kept"]
                self.assertEqual(kept, promised)
                self.assertGreaterEqual(one["error"], -SHORT_MAX)
                self.assertLessEqual(one["floor"], one["saved"])
                self.assertLessEqual(one["saved"], one["ceiling"])


if __name__ == "__main__":
    unittest.main()
