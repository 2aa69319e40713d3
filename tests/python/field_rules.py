"""Inputs that keep or break one field rule of AWS's service description, from the models of the installed botocore.

`rules(service)` gives for each emulated operation of a service

- `good`: the smallest valid input: what is required, and nothing else;
- `cases`: for each constraint that an input can reach (required, length, pattern, enum, range, size) an input that breaks
  it, and nothing else where that is possible (an empty text often breaks its pattern too). `path` is where AWS reports
  it: a text in a list or map is reported at that list or map (rule `item ...`, `key ...` or `value ...`), a member of a
  structure in a list as `tags.1.member.key`;
- `skipped`: the constraints that no request can break, and why.

Inputs are keyword arguments of a boto3 client's method (`method(operation)` names it). The client must be made with
`Config(parameter_validation=False)`, or botocore refuses many of them itself. What AWS checks beyond its description is
not known here: Converse without messages counts as good.

Left out: wrong types and unions with no or two members. A shape occurs once on the way to a constraint.
Run as a program, it checks the good inputs with botocore's own validator and prints counts.
"""

import collections
import re
from typing import Any, NamedTuple

import botocore
import botocore.session
from botocore import xform_name
from botocore.validate import ParamValidator

OPERATIONS = {
    "bedrock": [
        "CreateInferenceProfile",
        "CreateModelInvocationJob",
        "DeleteInferenceProfile",
        "DeleteModelInvocationLoggingConfiguration",
        "GetFoundationModel",
        "GetInferenceProfile",
        "GetModelInvocationJob",
        "GetModelInvocationLoggingConfiguration",
        "GetProvisionedModelThroughput",
        "ListFoundationModels",
        "ListInferenceProfiles",
        "ListModelInvocationJobs",
        "ListProvisionedModelThroughputs",
        "ListTagsForResource",
        "PutModelInvocationLoggingConfiguration",
        "StopModelInvocationJob",
        "TagResource",
        "UntagResource",
    ],
    "bedrock-runtime": ["Converse", "ConverseStream", "CountTokens", "InvokeModel", "InvokeModelWithResponseStream"],
    "service-quotas": [
        "GetAWSDefaultServiceQuota",
        "GetServiceQuota",
        "ListAWSDefaultServiceQuotas",
        "ListServiceQuotas",
    ],
}

# One of these matches each pattern of the models; the first that does is taken.
GOOD_TEXTS = [
    "amazon.nova-lite-v1:0",
    "abcdefghijk1",
    "123456789012",
    "1",
    "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijk1",
    "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
    "arn:aws:iam::123456789012:role/R",
    "s3://bkt/key",
    "alias/k",
]
# Each breaks most patterns. Control characters and spaces come last: a header or a path may lose them.
BAD_CHARACTERS = ["_", "!", "|", "\u00e9", " ", "\n"]

FLOAT_STEP = 0.5


class Case(NamedTuple):
    operation: str
    path: str
    rule: str
    kwargs: dict


class Skipped(NamedTuple):
    operation: str
    path: str
    rule: str
    reason: str


class Rules(NamedTuple):
    good: dict
    cases: list
    skipped: list


class Broken(NamedTuple):
    """A constraint and a value that breaks it, or the reason why there is none."""

    path: str
    rule: str
    value: Any = None
    reason: str = ""

    def within(self, wrap):
        return self if self.reason else self._replace(value=wrap(self.value))


def method(operation):
    """The name of the boto3 client's method."""
    return xform_name(operation)


def rules(service):
    """The good inputs, the cases and what is left out, for all operations of a service."""
    model = botocore.session.get_session().get_service_model(service)
    found = Rules({}, [], [])
    for operation in OPERATIONS[service]:
        shape = model.operation_model(operation).input_shape
        found.good[operation] = good(shape)
        for path, rule, value, reason in broken(shape, ""):
            if reason:
                found.skipped.append(Skipped(operation, path, rule, reason))
            else:
                found.cases.append(Case(operation, path, rule, value))
    return found


def good(shape):
    """The smallest valid value."""
    limits = shape.metadata
    match shape.type_name:
        case "structure" if limits.get("union"):
            name, member = next(iter(shape.members.items()))
            return {name: good(member)}
        case "structure":
            return {name: good(shape.members[name]) for name in shape.required_members}
        case "list":
            return [good(shape.member)] * limits.get("min", 0)
        case "map":
            return entries(shape, limits.get("min", 0))
        case "string":
            return good_text(shape)
        case "blob":
            return b"a" * limits.get("min", 0)
        case "integer" | "long":
            return limits.get("min", 1)
        case "float" | "double":
            return float(limits.get("min", 1))
        case "boolean":
            return True
        case "timestamp":
            return "2026-11-01T00:00:00Z"
    raise ValueError(f"{shape.name} has the unknown type {shape.type_name}")


def good_text(shape):
    if shape.enum:
        return shape.enum[0]
    length = max(shape.metadata.get("min", 0), 1)
    for text in ["a" * length, *GOOD_TEXTS] if "pattern" not in shape.metadata else GOOD_TEXTS:
        if fits(shape, text) and matches(shape, text):
            return text
    raise ValueError(f"GOOD_TEXTS has none for {shape.name}")


def entries(shape, count):
    """A map of so many good entries: a digit at the end of the key tells them apart."""
    key = good(shape.key)
    return {f"{key}{index}" if index else key: good(shape.value) for index in range(count)}


def fits(shape, text):
    return shape.metadata.get("min", 0) <= len(text) <= shape.metadata.get("max", len(text))


def matches(shape, text):
    """Java's classes such as \\s are ASCII."""
    return re.fullmatch(shape.metadata.get("pattern", "(?s:.*)"), text, re.ASCII) is not None


def broken(shape, path, location=None, above=()):
    """One Broken for each constraint on a value of this shape and on what lies inside it."""
    if shape.name in above:
        return
    above = (*above, shape.name)
    match shape.type_name:
        case "structure":
            yield from broken_members(shape, path, above)
        case "list":
            yield from sizes(shape, path, lambda count: [good(shape.member)] * count)
            items = broken(shape.member, f"{path}.1.member", None, above)
            yield from inside(items, shape.member, path, "item", lambda item: [item])
        case "map":
            key, value = good(shape.key), good(shape.value)
            yield from sizes(shape, path, lambda count: entries(shape, count))
            yield from inside(broken(shape.key, path), shape.key, path, "key", lambda text: {text: value})
            values = broken(shape.value, f"{path}.{key}.member", None, above)
            yield from inside(values, shape.value, path, "value", lambda item: {key: item})
        case "string":
            yield from broken_text(shape, path, location)
        case "blob":
            yield from sizes(shape, path, lambda count: b"a" * count)
        case "integer" | "long":
            yield from ranges(shape, path, 1)
        case "float" | "double":
            yield from ranges(shape, path, FLOAT_STEP)


def broken_members(shape, path, above):
    base = {} if shape.metadata.get("union") else good(shape)
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        at = f"{path}.{name}" if path else name
        if name in shape.required_members:
            rest = {other: value for other, value in base.items() if other != name}
            reason = "a label of the path is always there" if location == "uri" else ""
            yield Broken(at, "required", rest, reason)
        for found in broken(member, at, location, above):
            yield found.within(lambda value, name=name: base | {name: value})


def inside(all_found, shape, path, part, wrap):
    """AWS reports what is wrong with a scalar at the list or map around it."""
    for found in all_found:
        if shape.type_name not in ("structure", "list", "map"):
            found = found._replace(path=path, rule=f"{part} {found.rule}")
        yield found.within(wrap)


def sizes(shape, path, build):
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if least > 0:
        yield Broken(path, "min size", build(least - 1))
    if most is not None:
        yield Broken(path, "max size", build(most + 1))


def ranges(shape, path, step):
    if "min" in shape.metadata:
        yield Broken(path, "min value", shape.metadata["min"] - step)
    if "max" in shape.metadata:
        yield Broken(path, "max value", shape.metadata["max"] + step)


def broken_text(shape, path, location):
    if shape.enum:
        yield Broken(path, "enum", "NotAValue")
        return
    least, most, text = shape.metadata.get("min", 0), shape.metadata.get("max"), good(shape)
    if least > 0:
        reason = "a label of the path is never empty" if location == "uri" and least == 1 else ""
        yield Broken(path, "min length", resized(shape, text, least - 1), reason)
    if most is not None:
        yield Broken(path, "max length", resized(shape, text, most + 1))
    if "pattern" in shape.metadata:
        bad = mismatch(shape, text)
        yield Broken(path, "pattern", bad, "" if bad is not None else "every text of a valid length matches")


def resized(shape, text, length):
    """A text of this length that matches the pattern, if one is found."""
    longer = [text + filler * (length - len(text)) for filler in (text[-1], "a", "/a")]
    tries = [option[:length] for option in longer] + ["a" * length]
    return next((option for option in tries if len(option) == length and matches(shape, option)), tries[0])


def mismatch(shape, text):
    """A text of a valid length that breaks the pattern: a bad character inside the good text or alone."""
    inner = [text[: len(text) // 2] + character + text[len(text) // 2 + 1 :] for character in BAD_CHARACTERS]
    alone = [character * max(shape.metadata.get("min", 0), 1) for character in BAD_CHARACTERS]
    return next((option for option in [*inner, *alone] if fits(shape, option) and not matches(shape, option)), None)


def main():
    print(f"botocore {botocore.__version__}")
    validator = ParamValidator()
    for service in OPERATIONS:
        model, found = botocore.session.get_session().get_service_model(service), rules(service)
        for operation, kwargs in found.good.items():
            report = validator.validate(kwargs, model.operation_model(operation).input_shape)
            if report.has_errors():
                raise SystemExit(f"{operation}: {report.generate_report()}")
        kinds = collections.Counter(case.rule for case in found.cases)
        print(f"{service}: {len(found.good)} good inputs, {len(found.cases)} cases, {len(found.skipped)} skipped")
        print("  " + ", ".join(f"{count} {rule}" for rule, count in sorted(kinds.items())))
        for reason, count in collections.Counter(skip.reason for skip in found.skipped).items():
            print(f"  skipped {count}: {reason}")


if __name__ == "__main__":
    main()
