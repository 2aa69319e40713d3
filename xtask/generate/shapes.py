"""The field rules of the emulated operations, trimmed from the service models that botocore ships.

Called by `cargo xtask generate shapes` with the path of the file to write. Kept is what a check of an input needs:
where a member stands on the wire, what it must be. Left out: documentation, outputs, errors, and shapes that no input
reaches. The file has sorted keys and one shape a line, so that two versions of it can be compared by eye.
"""

import argparse
import datetime
import json
import pathlib

import botocore
import botocore.session

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

# `sensitive` decides whether an error message may repeat the value.
SHAPE_KEYS = ["document", "enum", "max", "min", "pattern", "payload", "required", "sensitive", "timestampFormat", "type", "union"]
MEMBER_KEYS = ["location", "locationName", "shape"]


def kept(raw, keys):
    return {key: raw[key] for key in keys if key in raw}


def trimmed(raw):
    """A shape without its documentation and without traits that only clients read."""
    shape = kept(raw, SHAPE_KEYS)
    for part in ["member", "key", "value"]:
        if part in raw:
            shape[part] = kept(raw[part], MEMBER_KEYS)
    if "members" in raw:
        shape["members"] = {name: kept(member, MEMBER_KEYS) for name, member in raw["members"].items()}
    return shape


def targets(shape):
    """The names of the shapes that a trimmed shape refers to."""
    parts = [shape[part] for part in ["member", "key", "value"] if part in shape]
    return [part["shape"] for part in [*parts, *shape.get("members", {}).values()]]


def service(model, names):
    """The named operations of a service model and every shape that their inputs reach."""
    operations, shapes, waiting = {}, {}, []
    for name in names:
        raw = model["operations"][name]
        operations[name] = kept(raw["http"], ["method", "requestUri"])
        if "input" in raw:
            operations[name]["input"] = raw["input"]["shape"]
            waiting.append(raw["input"]["shape"])
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = trimmed(model["shapes"][name])
            waiting += targets(shapes[name])
    return {"operations": operations, "protocol": model["metadata"]["protocol"], "shapes": shapes}


def lines(value, depth):
    """JSON with a line for each entry of the outer `depth` objects."""
    if depth == 0 or not isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=True)
    entries = [f"{json.dumps(key)}: {lines(value[key], depth - 1)}" for key in sorted(value)]
    return "{\n" + ",\n".join(entries) + "\n}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    out = parser.parse_args().out
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    services = {name: service(loader.load_service_model(name, "service-2"), ops) for name, ops in OPERATIONS.items()}
    header = {
        "read": datetime.date.today().isoformat(),
        "source": f"service models of {', '.join(OPERATIONS)} in botocore {botocore.__version__} (Apache-2.0)",
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(lines({"header": header, "services": services}, 4) + "\n", encoding="utf-8")
    counts = [f"{name} {len(part['operations'])} operations, {len(part['shapes'])} shapes" for name, part in services.items()]
    print(f"{out}: {'; '.join(counts)}")


if __name__ == "__main__":
    main()
