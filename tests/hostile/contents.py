"""Hostile contents: containers as they should be, with a record, weights or a check that mean harm."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.hostile.containers import PICKLE, Case
from tests.hostile.forge import packed, parsed_tensors, tensors, with_header, with_json, with_numbers
from tests.hostile.samples import Sample

HUGE = 10**9
MILLION = 1_000_000


def documents(good: Sample) -> Iterator[Case]:
    """JSON that parsers disagree on, choke on, or read as more than data."""
    text = good.members["model.json"].decode()
    cases: dict[str, bytes] = {
        "a pickle": PICKLE,
        "nothing": b"",
        "a list": b"[]",
        "null": b"null",
        "nested 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
        "nested objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        "nested just too deep": b'{"settings": ' + b"[" * 40 + b"]" * 40 + b"}",
        "a million lists": b"[" + b"[]," * (MILLION + 1) + b"[]]",
        "sixteen million numbers": b"[" + b"0," * (16 * MILLION + 1) + b"0]",
        "a text that never ends": b'{"a": "' + b'\\"' * MILLION,
        "quotation marks that never match": b'"\\"' * 300_000,
        "a key twice": text.replace('"family":', '"family": "mlp", "family":', 1).encode(),
        "a key twice, spelled with an escape": text.replace('"family":', '"f\\u0061mily": "x", "family":', 1).encode(),
        "NaN": text.replace('"threshold": 0.5', '"threshold": NaN', 1).encode(),
        "infinity": text.replace('"threshold": 0.5', '"threshold": -Infinity', 1).encode(),
        "infinity by overflow": text.replace('"threshold": 0.5', '"threshold": 1e999', 1).encode(),
        "a number of a million digits": text.replace('"num_outputs": 2', '"num_outputs": ' + "9" * MILLION, 1).encode(),
        "a fraction of a million digits": text.replace(
            '"threshold": 0.5', '"threshold": 0.' + "1" * MILLION, 1
        ).encode(),
        "a number beyond 64 bits": text.replace('"num_outputs": 2', '"num_outputs": 18446744073709551618', 1).encode(),
        "a comment": b"// a comment\n" + text.encode(),
        "a comma too many": (text.rstrip()[:-1] + ",}").encode(),
        "single quotes": text.replace('"', "'").encode(),
        "two documents": (text + text).encode(),
        "a byte-order mark": b"\xef\xbb\xbf" + text.encode(),
        "UTF-16": text.encode("utf-16"),
        "UTF-32": text.encode("utf-32"),
        "UTF-7": b"+AHs-" + text.encode(),
        "broken UTF-8": text.replace("size", "\udc80size").encode("utf-8", "surrogateescape"),
        "overlong UTF-8": text.encode().replace(b"/", b"\xc0\xaf") + b"\xc0\xaf",
        "half a surrogate pair": text.replace('"title": "', '"title": "\\ud800', 1).encode(),
        "a control character": text.replace('"title": "', '"title": "\x01', 1).encode(),
        "YAML": b"family: !!python/name:os.system\n",
        "a JSON reference": json.dumps({"$ref": "file:///etc/passwd"}).encode(),
        "5 MB of spaces": b" " * 5_000_000,
    }
    for name, content in cases.items():
        yield f"model.json: {name}", with_json(good.members, content)


def records(good: Sample) -> Iterator[Case]:
    """What model.json says of a table: names, counts and limits that do not fit, or that would cost memory."""
    changes: dict[str, Callable[[dict[str, Any]], Any]] = {
        "a function for a family": lambda d: d.update(family="os.system"),
        "a Keras layer for a family": lambda d: d.update(family="Lambda", settings={"function": "4wEAAAA=", "module": "os"}),
        "another family": lambda d: d.update(family="cnn"),
        "a family that is no text": lambda d: d.update(family=["mlp"]),
        "a function for a kind": lambda d: d["encoders"][0].update(kind="builtins.eval"),
        "a dunder for a task": lambda d: d.update(task="__import__"),
        "another task": lambda d: d.update(task="regress"),
        "an unknown metric": lambda d: d.update(primary_metric="__class__"),
        "code": lambda d: d.update(code="import os"),
        "custom objects": lambda d: d.update(custom_objects={"Layer": "os.system"}),
        "a prototype": lambda d: d.update(__proto__={"admin": True}, __class__="os.system"),
        "a missing key": lambda d: d.pop("labels"),
        "a format to come": lambda d: d.update(format=9),
        "a setting that is unknown": lambda d: d["settings"].update(lambda_="x"),
        "a setting as text": lambda d: d["settings"].update(width="128"),
        "a setting as a list": lambda d: d["settings"].update(width=[128]),
        "a setting as true": lambda d: d["settings"].update(width=True),
        "a negative width": lambda d: d["settings"].update(width=-3),
        "a width of a billion": lambda d: d["settings"].update(width=HUGE),
        "a width of 2^62": lambda d: d["settings"].update(width=1 << 62),
        "a billion layers": lambda d: d["settings"].update(layers=HUGE),
        "a hundred layers": lambda d: d["settings"].update(layers=100),
        "a billion members": lambda d: d["settings"].update(members=HUGE),
        "64 members of another width": lambda d: d["settings"].update(members=64, width=100_000),
        "a billion bins": lambda d: d["settings"].update(embedding="ple", bins=HUGE),
        "an embedding of a billion": lambda d: d["settings"].update(embedding="both", embedding_size=HUGE),
        "an unknown activation": lambda d: d["settings"].update(activation="eval"),
        "a dropout of 2": lambda d: d["settings"].update(dropout=2),
        "other layers than weights": lambda d: d["settings"].update(layers=3),
        "a billion outputs": lambda d: d.update(num_outputs=HUGE),
        "no outputs": lambda d: d.update(num_outputs=0),
        "fewer outputs than none": lambda d: d.update(num_outputs=-2),
        "a label of a million letters": lambda d: _labels(d, ["a" * MILLION, "b"]),
        "300,000 labels": lambda d: _labels(d, [str(i) for i in range(300_000)]),
        "labels that are the same": lambda d: _labels(d, ["a", "a"]),
        "one label": lambda d: _labels(d, ["a"]),
        "labels of another task state": lambda d: d.update(labels=["x", "y"]),
        "labels that are no texts": lambda d: d.update(labels=[1, 2]),
        "no target": lambda d: d.update(targets=[]),
        "a threshold above 1": lambda d: d.update(threshold=7.0),
        "a threshold below 0": lambda d: d.update(threshold=-0.5),
        "costs of three classes": lambda d: d.update(costs=[[0.0, 1.0, 1.0]] * 3),
        "a cost below 0": lambda d: d.update(costs=[[0.0, -1.0], [1.0, 0.0]]),
        "a cost of a right answer": lambda d: d.update(costs=[[1.0, 1.0], [1.0, 0.0]]),
        "100,000 costs in a row": lambda d: d.update(costs=[[0.0] * 100_000, [0.0]]),
        "a temperature of 0": lambda d: d["task_state"].update(calibration={"temperature": 0.0}),
        "a temperature too small to divide by": lambda d: d["task_state"].update(calibration={"temperature": 1e-320}),
        "a curve that falls": lambda d: d["task_state"].update(calibration={"curves": [{"slope": -1.0}]}),
        "a curve without end": lambda d: d["task_state"].update(calibration={"curves": [{"slope": 1e308, "offset": -1e308}]}),
        "100,000 bends": lambda d: d["task_state"].update(
            calibration={"curves": [{"at": [0.0] * 100_000, "bends": [0.0] * 100_000}]}
        ),
        "curves of three labels": lambda d: d["task_state"].update(calibration={"curves": [{"slope": 2.0}] * 3}),
        "an input of a billion columns": lambda d: d["inputs"]["vector"].update(shape=[HUGE]),
        "an input whose size overflows": lambda d: d["inputs"]["vector"].update(shape=[1 << 32, 1 << 32, 1 << 32]),
        "an input without columns": lambda d: d["inputs"]["vector"].update(shape=[0]),
        "an input of fewer columns than none": lambda d: d["inputs"]["vector"].update(shape=[-6]),
        "an input of another form": lambda d: d["inputs"]["vector"].update(form="clip"),
        "an input that no encoder makes": lambda d: d["inputs"].update(grid={"form": "grid", "shape": [1, 4, 4]}),
        "no inputs": lambda d: d.update(inputs={}),
        "a billion codes": lambda d: d["inputs"]["codes"].update(cardinalities=[HUGE]),
        "no encoders": lambda d: d.update(encoders=[]),
        "an encoder twice": lambda d: d["encoders"].append(d["encoders"][0]),
        "a deviation of 0": lambda d: d["encoders"][0]["state"].update(std=0.0),
        "quantiles out of order": lambda d: d["encoders"][0]["state"].update(scaling="quantile", quantiles=[2.0, 1.0] * 250 + [0.0]),
        "one quantile": lambda d: d["encoders"][0]["state"].update(scaling="quantile", quantiles=[0.0]),
        "categories that are the same": lambda d: d["encoders"][1]["state"].update(values=["a"] * 5),
        "300,000 categories": lambda d: d["encoders"][1]["state"].update(values=[str(i) for i in range(300_000)]),
        "a date format of ours": lambda d: d["encoders"][2]["state"].update(format="%" * 1_000),
        "a cycle without end": lambda d: d["encoders"][2]["state"].update(cycles=["year"] * 1_000),
        "a state of another kind": lambda d: d["encoders"][0].update(state=d["encoders"][1]["state"]),
        "a pattern without a label": lambda d: d.update(label_from="(a+)+$"),
        "a pattern of many fields": lambda d: d.update(label_from="{label}" + "_{a}" * 40),
        "a pattern of a million letters": lambda d: d.update(label_from="{label}" + "a" * MILLION),
        "a mean date of long ago": lambda d: d["encoders"][2]["state"].update(mean=-1e300),
        "a mean beyond any number": lambda d: d["encoders"][0]["state"].update(mean=1e300),
        "a score without a value": lambda d: d["scores"].update(accuracy={}),
        "a score of more than a value": lambda d: d["scores"]["accuracy"].update(path=1.0),
        "scores that are texts": lambda d: d["scores"]["accuracy"].update(value="high"),
        "missing cells as a number": lambda d: d.update(missing=7),
        "versions that are lists": lambda d: d.update(versions={"torch": ["2.0"]}),
    }  # fmt: skip
    for name, change in changes.items():
        record = good.record
        change(record)
        yield f"record: {name}", with_json(good.members, record)


def architectures(samples: dict[str, Sample]) -> Iterator[Case]:
    """Memory and time that settings of other networks ask for."""
    text, picture, layers, mixed = (samples[name] for name in ("text", "picture", "layers", "mixed"))

    def settings(good: Sample, **changes: Any) -> bytes:
        record = good.record
        record["settings"].update(changes)
        return with_json(good.members, record)

    yield "text: a width of a billion", settings(text, width=4 * HUGE)
    yield "text: a billion layers", settings(text, layers=HUGE)
    yield "text: no heads", settings(text, heads=0)
    yield "text: heads that do not divide the width", settings(text, heads=7)
    yield "text: an expansion of a billion", settings(text, expansion=HUGE)
    yield "text: a context of a billion", settings(text, context=HUGE)
    yield "picture: fifty stages", settings(picture, stages=50)
    yield "picture: a million blocks", settings(picture, blocks=MILLION)
    yield "picture: a window of a million", settings(picture, kernel=MILLION)
    yield "picture: a width of a million", settings(picture, width=MILLION)
    yield "picture: strides past the end", settings(picture, stride=HUGE)
    yield "row of two forms: a width of a billion", settings(mixed, width=HUGE)
    yield "row of two forms: a billion layers", settings(mixed, layers=HUGE)
    for name, spec in {
        "an unknown layer": "lambda 3",
        "a call": "__import__('os').system('id')",
        "a million units": "flatten, dense 1000000 relu, dense 1000000 relu",
        "channels and windows of a million": "conv 1000000 1000000 same",
        "numbers beyond measure": "dense 1e308",
        "numbers that are none": "dropout nan",
        "parentheses 2,000 deep": "residual(" * 2_000 + "relu" + ")" * 2_000,
        "parentheses that do not match": "residual(" * 2_000,
        "three thousand layers": ", ".join(["relu"] * 3_000),
        "a text of a megabyte": "relu, " * 170_000 + "relu",
        "nothing": "",
        "commas": "," * 10_000,
        "layers that end before the output": "conv 4 3 relu",
    }.items():  # fmt: skip
        yield f"layers: {name}", settings(layers, spec=spec)
    for name, change in {
        "tokens that are the same": lambda v: v.update(tokens=["a"] * len(v["tokens"])),
        "an empty token": lambda v: v["tokens"].__setitem__(0, ""),
        "a token of a million letters": lambda v: v["tokens"].__setitem__(0, "a" * MILLION),
        "300,000 tokens": lambda v: v.update(tokens=[str(i) for i in range(300_000)]),
        "merges of unknown tokens": lambda v: v.update(reading="pieces", merges=[["zz", "yy"]]),
        "a normaliser with a pattern": lambda v: v.update(
            normalizer={"type": "Replace", "pattern": {"Regex": "(a+)+$"}}
        ),
        "another reading": lambda v: v.update(reading="characters"),
        "a reading of elsewhere": lambda v: v.update(reading="../tokenizer.json"),
    }.items():
        record = text.record
        change(record["encoders"][0]["state"]["vocabulary"])
        yield f"text: {name}", with_json(text.members, record)
    for length in (HUGE, 0, 1 << 62):
        record = text.record
        record["encoders"][0]["state"]["length"] = length
        record["inputs"]["tokens"]["shape"] = [length]
        yield f"text: {length:,} tokens a text", with_json(text.members, record)
    for shape in ([1, 1 << 20, 1 << 20], [HUGE, 12, 12], [0, 12, 12], [3, 12, 12]):
        record = picture.record
        record["encoders"][0]["state"]["shape"] = shape
        record["inputs"]["grid"]["shape"] = shape
        yield f"picture: of {shape[0]} x {shape[1]} x {shape[2]}", with_json(picture.members, record)
    yield "picture: large stored rows, and tensors of many gigabytes between them and their answers", _wide(layers)


def _wide(good: Sample) -> bytes:
    """A picture of 2,000 x 2,000 that a small convolution makes 600 channels of."""
    record = good.record
    side, channels = 2_000, 600
    record["settings"]["spec"] = f"conv {channels} 1 relu, globalpool"
    record["encoders"][0]["state"]["shape"] = record["inputs"]["grid"]["shape"] = [1, side, side]
    from safetensors.numpy import save

    check = {"input.grid": np.zeros((1, 1, side, side), np.uint8), "output": np.zeros((1, 2), np.float32)}
    weights = {
        "trunks.grid.steps.0.conv.weight": np.zeros((channels, 1, 1, 1), np.float32),
        "trunks.grid.steps.0.conv.bias": np.zeros(channels, np.float32),
        "head.linear.weight": np.zeros((2, channels), np.float32),
        "head.linear.bias": np.zeros(2, np.float32),
    }
    header, _ = parsed_tensors(good.members["weights.safetensors"])
    names = {name for name in header if name.startswith("head")} | {n for n in header if ".steps.0." in n}
    weights = dict(zip(sorted(names), (weights[name] for name in sorted(weights)), strict=True))
    return packed({"model.json": json.dumps(record).encode(), "weights.safetensors": save(weights),
                   "check.safetensors": save(check), "card.md": b""})  # fmt: skip


def weights(good: Sample) -> Iterator[Case]:
    """Tensors whose header lies, and numbers that are none."""
    member = "weights.safetensors"
    header, data = parsed_tensors(good.members[member])
    first = max(header, key=lambda name: header[name]["data_offsets"][1] - header[name]["data_offsets"][0])

    def raw(content: bytes) -> bytes:
        return packed({**good.members, member: content})

    def claim(**changes: Any) -> bytes:
        return with_header(good.members, member, lambda h: h[first].update(changes))

    begin, end = header[first]["data_offsets"]
    yield "weights: a pickle", raw(PICKLE)
    yield "weights: nothing", raw(b"")
    yield "weights: seven bytes", raw(b"\0" * 7)
    yield "weights: a header of 2^63 bytes", raw(tensors(header, data, length=1 << 63))
    yield "weights: a header of 2^64 - 1 bytes", raw(struct.pack("<Q", (1 << 64) - 1) + data)
    yield "weights: a header one byte too long", raw(tensors(header, b"", length=len(json.dumps(header)) + 9_999))
    yield "weights: a header of 0 bytes", raw(tensors(header, data, length=0))
    yield "weights: a header that is a list", raw(tensors([], data))
    yield "weights: a header that is no JSON", raw(tensors(b"\x80\x04\x95", data))
    yield "weights: a header nested deep", raw(tensors(b"[" * 10_000 + b"]" * 10_000, data))
    yield (
        "weights: a header of 90,000 tensors",
        raw(tensors({f"{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(90_000)})),
    )
    yield "weights: a header of 9 MB", raw(tensors(json.dumps(header).encode() + b" " * (9 << 20), data))
    yield (
        "weights: a name twice",
        raw(tensors(json.dumps(header)[:-1].encode() + b", " + json.dumps({first: header[first]})[1:].encode(), data)),
    )
    yield (
        "weights: metadata with code",
        with_header(good.members, member, lambda h: h.update(__metadata__={"__reduce__": "os.system"})),
    )
    yield "weights: a reference to another file", claim(location="../../etc/passwd")
    yield "weights: an object type", claim(dtype="O")
    yield "weights: a type as a list", claim(dtype=["F32"])
    yield "weights: another type", claim(dtype="I32")
    yield "weights: doubles", claim(dtype="F64", shape=[(end - begin) // 8])
    yield "weights: half as wide", claim(dtype="F16", shape=[(end - begin) // 2])
    yield "weights: another shape", claim(shape=[(end - begin) // 4])
    yield "weights: a shape whose size overflows to 0", claim(shape=[1 << 32, 1 << 32])
    yield "weights: a shape beyond 64 bits", claim(shape=[1 << 62, 1 << 62, 1 << 62])
    yield "weights: a negative shape", claim(shape=[-1, -((end - begin) // 4)])
    yield "weights: a shape that is true", claim(shape=[True])
    yield "weights: a shape with a point", claim(shape=[float((end - begin) // 4)])
    yield "weights: a shape of a hundred extents", claim(shape=[1] * 100)
    yield "weights: no shape", with_header(good.members, member, lambda h: h[first].pop("shape"))
    yield (
        "weights: an empty tensor of huge extents",
        with_header(
            good.members,
            member,
            lambda h: h.update({"x": {"dtype": "F32", "shape": [0, 1 << 62], "data_offsets": [0, 0]}}),
        ),
    )
    yield "weights: places that overlap", claim(data_offsets=[0, end - begin])
    yield "weights: places that end before they begin", claim(data_offsets=[end, begin])
    yield "weights: negative places", claim(data_offsets=[begin - (1 << 40), end - (1 << 40)])
    yield "weights: places behind the file", claim(data_offsets=[begin + (1 << 40), end + (1 << 40)])
    yield "weights: three places", claim(data_offsets=[begin, end, end])
    yield (
        "weights: all in one place",
        raw(
            tensors(
                {n: {**v, "data_offsets": [0, v["data_offsets"][1] - v["data_offsets"][0]]} for n, v in header.items()},
                data,
            )
        ),
    )
    yield (
        "weights: a hole",
        raw(
            tensors(
                {n: {**v, "data_offsets": [o + 64 for o in v["data_offsets"]]} for n, v in header.items()},
                b"\0" * 64 + data,
            )
        ),
    )
    yield "weights: bytes behind", raw(tensors(header, data + b"\0" * 64))
    yield "weights: bytes missing", raw(tensors(header, data[:-64]))
    yield (
        "weights: one more",
        with_header(
            good.members,
            member,
            lambda h: h.update({"os.system": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
        ),
    )
    yield "weights: one missing", with_numbers(good.members, member, lambda a: a.pop(min(a)))
    yield (
        "weights: a name in look-alike letters",
        with_header(good.members, member, lambda h: h.update({first.replace("e", "е"): h.pop(first)})),
    )
    yield (
        "weights: a name of a million letters",
        with_header(good.members, member, lambda h: h.update({"a" * MILLION: h.pop(first)})),
    )
    yield "weights: NaN", with_numbers(good.members, member, lambda a: a[first].fill(np.nan))
    yield (
        "weights: one infinity",
        with_numbers(good.members, member, lambda a: a[first].reshape(-1).__setitem__(0, np.inf)),
    )
    yield "weights: other numbers", with_numbers(good.members, member, lambda a: a[first].__iadd__(0.5))
    yield "weights: of the check", raw(good.members["check.safetensors"])


def checks(good: Sample, text: Sample) -> Iterator[Case]:
    """Stored rows that are none, or that lead astray."""
    member = "check.safetensors"
    cases: dict[str, Callable[[dict[str, Any]], Any]] = {
        "no rows": lambda a: a.update({name: array[:0] for name, array in a.items()}),
        "100,000 rows": lambda a: a.update({name: np.repeat(array[:1], 100_000, axis=0) for name, array in a.items()}),
        "no output": lambda a: a.pop("output"),
        "another output": lambda a: a["output"].__iadd__(1.0),
        "NaN for an output": lambda a: a["output"].fill(np.nan),
        "outputs beyond measure": lambda a: a["output"].fill(3e38),
        "fewer outputs": lambda a: a.update(output=a["output"][..., :1]),
        "fewer rows of output": lambda a: a.update(output=a["output"][:1]),
        "an input missing": lambda a: a.pop("input.codes"),
        "an input more": lambda a: a.update({"input.grid": np.zeros((4, 1), np.uint8)}),
        "an input of another type": lambda a: a.update({"input.codes": a["input.codes"].astype(np.int64)}),
        "an input of another width": lambda a: a.update({"input.vector": a["input.vector"][:, :1]}),
        "codes above their number": lambda a: a["input.codes"].fill(1 << 30),
        "codes below 0": lambda a: a["input.codes"].fill(-1),
        "numbers that are not finite": lambda a: a["input.vector"].fill(np.inf),
    }
    for name, change in cases.items():
        yield f"check: {name}", with_numbers(good.members, member, change)
    texts: dict[str, Callable[[dict[str, Any]], Any]] = {
        "tokens above their number": lambda a: a["input.tokens"].fill(1 << 30),
        "lengths above the text's": lambda a: a["input.tokens.lengths"].fill(1 << 30),
        "lengths below 0": lambda a: a["input.tokens.lengths"].fill(-5),
        "no lengths": lambda a: a.pop("input.tokens.lengths"),
    }
    for name, change in texts.items():
        yield f"check of a text: {name}", with_numbers(text.members, member, change)
    yield "check: a pickle", packed({**good.members, member: PICKLE})
    yield "check: that of another model", packed({**good.members, member: text.members[member]})
    yield "card: of 2 MB", packed({**good.members, "card.md": b"#" * (2 << 20)})


VALUES: tuple[Any, ...] = (
    None, True, -1, 0, HUGE, 1 << 62, -(1 << 62), 0.5, 1e308, -1e308, "", "x", "\0", "../x", "__import__", "a" * 100_000,
    [], {}, [[]] * 1_000, {"a": {}}, ["x"] * 1_000, [0] * 100_000,
)  # fmt: skip


def mutations(sample: Sample, count: int) -> Iterator[Case]:
    """One value of the record, or of the headers of its tensors, replaced by another: refused, or it did not matter."""
    chance = random.Random(sample.name)
    for number in range(count):
        record = sample.record
        member = chance.choice(["model.json", "model.json", "weights.safetensors", "check.safetensors"])
        target: Any = record if member == "model.json" else parsed_tensors(sample.members[member])[0]
        places = list(_places(target))
        holder, key = chance.choice(places)
        holder[key] = chance.choice(VALUES)
        name = f"mutation {number} of a {sample.name}: {key} of {member}"
        if member == "model.json":
            yield name, with_json(sample.members, record)
        else:
            changed = target
            yield name, with_header(sample.members, member, lambda _, changed=changed: changed)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from _places(inner)


def _labels(record: dict[str, Any], labels: list[str]) -> None:
    record.update(labels=labels, num_outputs=len(labels))
    record["task_state"].update(labels=labels)
