"""What calls cost, computed from the shipped catalogue by another program than the one under test.

Money is whole picodollars; a price that the catalogue does not have is a KeyError. Leaves out context tiers.
"""

import csv
import functools
from decimal import Decimal

from program import ROOT

REGION = "us-east-1"
# How the catalogue spells ids that AWS takes with a version.
SPELLED = {"openai.gpt-oss-20b-1:0": "openai.gpt-oss-20b", "openai.gpt-oss-120b-1:0": "openai.gpt-oss-120b"}
PROFILES = ("us", "eu", "global")


@functools.cache
def catalogue():
    """Every Bedrock price per million tokens: (model, scope type, scope, mode, class) to US dollars."""
    found = {}
    with (ROOT / "crates/catalog/data/prices/catalog.csv").open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            if row["provider"] == "bedrock" and row["ctx_min_tokens"] == "0" and row["unit"] == "usd_per_1m_tokens":
                place = tuple(row[name] for name in ("model_id", "scope_type", "scope", "mode", "dimension"))
                found[place] = Decimal(row["price_usd"])
    return found


def split(model_id):
    """`us.amazon.nova-pro-v1:0` is (`us`, `amazon.nova-pro-v1:0`)."""
    profile, _, rest = model_id.partition(".")
    return (profile, rest) if profile in PROFILES else ("in-region", model_id)


def rate(model_id, mode, token_class):
    """Picodollars a token."""
    profile, model = split(model_id)
    region, regional, unscoped = ("region", REGION), ("regional", "in-region+geo"), ("unscoped", "default")
    chain = {"global": [("global", "global"), unscoped], "in-region": [region, regional, unscoped]}
    places = chain.get(profile, [("geo", profile), regional, region, unscoped])
    for scope_type, scope in places:
        price = catalogue().get((SPELLED.get(model, model), scope_type, scope, mode, token_class))
        if price is not None:
            return int(price * 1_000_000)
    raise KeyError((model_id, mode, token_class))


def cost(model_id, mode, **tokens):
    """Picodollars of tokens by class: `cost(HAIKU, "batch", input=10, output=2)`."""
    return sum(count * rate(model_id, mode, token_class) for token_class, count in tokens.items() if count)


def of_output(model_id, lines):
    """What a batch job costs by the usage that its output lines show: Claude's, Converse's, or none of a failed one."""
    usages = [line["modelOutput"].get("usage", {}) for line in lines if "modelOutput" in line]
    given = sum(usage.get("input_tokens", usage.get("inputTokens", 0)) for usage in usages)
    written = sum(usage.get("output_tokens", usage.get("outputTokens", 0)) for usage in usages)
    return cost(model_id, "batch", input=given, output=written)


def billed(emulator):
    """The emulator's bill, of which everything must have a price."""
    total = emulator.bill()["total"]
    if total["unpriced"]:
        raise AssertionError(f"without a price: {total['unpriced']}")
    return int(total["knownPico"])
