"""What an audit predicts about a generated company, and what its month as planned really costs."""

import json
from decimal import Decimal

from program import laneshift


def month(seed, sample, out):
    """Runs a company both ways; gives its predictions, what was metered, and the error of the plan's own figure in percent."""
    done = laneshift("demo", "--company", "generated", "--seed", seed, "--sample", sample, "--out", out, "--format", "json")
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    (told,) = json.loads(done.stdout)["companies"]
    plan = json.loads((out / f"generated-{seed}" / "audit" / "plan.json").read_text(encoding="utf-8"))
    bounds = {name: Decimal(told["predicted"][f"{name}_usd"]) for name in ["floor", "likely", "ceiling"]}
    planned, saved = Decimal(plan["today_usd"]) - Decimal(plan["planned_usd"]), Decimal(told["saved_usd"])
    before = Decimal(told["before_usd"])
    return {
        "seed": seed,
        "requests": told["requests_run"],
        "workloads": len(plan["workloads"]),
        "before": before,
        **bounds,
        "planned": planned,
        "saved": saved,
        "holds": told["predicted"]["holds"],
        # A plan that saves nothing is off by what was saved of the bill.
        "error": 100 * (saved - planned) / (planned or before),
        "kept": (told["deadlines"]["kept"], told["deadlines"]["promised"]),
        "booked": (Decimal(told["booked_usd"]), Decimal(told["booked_at_most_usd"])) == (Decimal(told["after_usd"]),) * 2,
    }


HEADINGS = ["seed", "workloads", "requests", "as it was", "floor", "likely", "ceiling", "planned", "metered", "error"]


def row(one):
    """A line of the table."""
    money = [f"${one[name]:,.2f}" for name in ["before", "floor", "likely", "ceiling", "planned", "saved"]]
    return f"| {one['seed']} | {one['workloads']} | {one['requests']:,} | {' | '.join(money)} | {one['error']:+.1f} % |"
