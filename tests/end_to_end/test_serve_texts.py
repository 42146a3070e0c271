"""A served model of texts: what texts cost, and prompts that are continued as events, over real sockets."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from served_models import Served

import netpick
from netpick.saved.use import Model

JSON = {"Content-Type": "application/json"}
GENERATE = "/models/story/generate"
TEXT = "the cat sees a dog. my aunt likes\nnobody."


@pytest.fixture(scope="module")
def model(served_folder: Path) -> Model:
    return netpick.load(served_folder / "story")


def events(body: bytes) -> list[tuple[str, Any]]:
    """(name, data) of each."""
    made = []
    for event in body.decode().removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in event.split("\n"))
        made.append((fields.get("event", "message"), json.loads(fields["data"])))
    return made


def written(body: bytes) -> str:
    return "".join(content["text"] for name, content in events(body) if name == "message")


def test_a_prompt_is_continued_as_the_model_itself_continues_it(server: Served, model: Model) -> None:
    asked = {"prompt": "the old man ", "tokens": 260, "temperature": 0.7, "top_p": 0.9, "seed": 5}
    status, headers, body = server.ask("POST", GENERATE, json.dumps(asked), JSON)
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    (first, start), *_, (last, end) = events(body)
    assert (first, last) == ("start", "end")
    assert start == {
        "model": "story",
        "tokens": 260,
        "temperature": 0.7,
        "top_k": 0,
        "top_p": 0.9,
        "seed": 5,
        "warnings": [],
    }
    assert end == {"reason": "length", "tokens": 260}
    assert written(body) == "".join(model.generate("the old man ", tokens=260, temperature=0.7, top_p=0.9, seed=5))
    again = server.ask("POST", GENERATE, json.dumps(asked), JSON)[2]
    assert written(again) == written(body)


def test_what_of_a_prompt_is_left_out_or_unknown_is_said(server: Served, model: Model) -> None:
    long = "nobody sees £ a dog. " * 4_000
    status, _, body = server.ask("POST", GENERATE, json.dumps({"prompt": long, "tokens": 3}), JSON)
    assert status == 200
    warnings = events(body)[0][1]["warnings"]
    assert warnings[0] == "The prompt has 84,000 characters; what stands before its last 65,536 was left out."
    assert warnings[1] == "195 characters of the prompt did not occur in training and are read as unknown."
    assert warnings[2] == "Only the last 192 of the 65,536 characters of the prompt are read."
    assert written(body) == "".join(model.generate(long[-4_096:], tokens=3))


@pytest.mark.parametrize(
    ("body", "code", "field", "words"),
    [
        ({"prompt": 5}, "invalid_value", "prompt", "'prompt' is 5, but a text was expected"),
        ({"tokens": 1_001}, "invalid_value", "tokens", "'tokens' is 1001, but 1 to 1,000 was expected"),
        ({"tokens": 2.5}, "invalid_value", "tokens", "a whole number was expected"),
        ({"tokens": True}, "invalid_value", "tokens", "a whole number was expected"),
        ({"temperature": -1}, "invalid_value", "temperature", "0 (always the likeliest) to 100 was expected"),
        ({"top_p": 0}, "invalid_value", "top_p", "more than 0, up to 1"),
        ({"seed": 1 << 63}, "invalid_value", "seed", "0 or more"),
        ({"temprature": 1}, "invalid_value", "temprature", "Did you mean temperature?"),
        ([1], "invalid_value", None, "an object was expected"),
    ],
)
def test_what_a_prompt_got_wrong_is_refused_in_words(
    server: Served, body: object, code: str, field: str | None, words: str
) -> None:
    status, said = server.post(GENERATE, body)
    assert status == 422
    assert (said["error"]["code"], said["error"].get("field")) == (code, field)
    assert words in said["error"]["message"]


def test_other_models_and_other_bodies_are_refused(server: Served) -> None:
    status, said = server.post("/generate", {"prompt": "a"})
    assert (status, said["error"]["code"]) == (501, "not_supported")
    assert "generating continues a text" in said["error"]["message"]
    assert server.ask("POST", GENERATE, "{", JSON)[0] == 400
    assert server.ask("POST", GENERATE, "{}", {"Content-Type": "text/plain"})[0] == 415
    assert server.ask("POST", GENERATE, "{}", {**JSON, "Origin": "https://evil.example"})[0] == 403
    assert server.ask("GET", GENERATE)[0] == 405
    assert server.ask("POST", "/models/no/generate", "{}", JSON)[0] == 404


def test_clients_that_leave_in_the_middle_free_their_places(server: Served) -> None:
    body = json.dumps({"tokens": 1_000})
    for _ in range(12):  # three times as many as are continued at once
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("POST", GENERATE, body, JSON)
        response = connection.getresponse()
        if response.status == 503:
            assert response.getheader("Retry-After") == "2"
            assert json.loads(response.read())["error"]["code"] == "too_many_texts"
        else:
            assert response.read(20)
        connection.close()
        assert server.post("/predict", {"rows": [ROW]})[0] == 200  # others are answered between
    for _ in range(10_000):
        if b"netpick_open_texts 0" in server.ask("GET", "/metrics")[2]:
            break
    else:
        raise AssertionError("texts of clients that have left stay open")
    assert server.ask("POST", GENERATE, json.dumps({"tokens": 5}), JSON)[0] == 200
    assert not [line for line in server.log if '"error"' in line]


ROW = {"age": 30, "job": "pilot", "hours": 20.5, "member": "y", "since": "2023-05-05"}


def test_what_a_text_costs_is_what_predict_says(server: Served, model: Model, tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_text(TEXT)
    expected = model.predict(tmp_path / "some.txt")
    status, said = server.post("/models/story/predict", {"rows": [{"text": TEXT}]})
    assert status == 200
    assert [row["text"] for row in said["predictions"]] == expected["text"].to_list()
    assert [row["bits"] for row in said["predictions"]] == pytest.approx(expected["bits"].to_list(), rel=1e-5)
    plain = server.ask("POST", "/models/story/predict", TEXT, {"Content-Type": "text/plain"})[2]
    assert json.loads(plain) == said
    lines = pl.DataFrame({"text": TEXT.split("\n")}).write_csv()
    table = server.ask("POST", "/models/story/predict", lines, {"Content-Type": "text/csv", "Accept": "text/csv"})[2]
    assert pl.read_csv(table)["bits"].to_list() == pytest.approx(expected["bits"].to_list(), rel=1e-5)
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": [TEXT]}
    _, inferred = server.post("/v2/models/story/infer", {"inputs": [tensor]})
    assert inferred["outputs"][0]["data"] == pytest.approx(expected["bits"].to_list(), rel=1e-5)
    status, said = server.post("/models/story/predict", {"rows": [{"text": "  "}]})
    assert (status, said["error"]["code"]) == (422, "invalid_data")
    status, said = server.post("/models/story/predict", {"rows": [{"text": "a" * 2_000_001}]})
    assert (status, said["error"]["code"]) == (422, "too_long")


def test_a_text_is_explained(server: Served) -> None:
    status, said = server.post("/models/story/explain", {"rows": [{"text": TEXT * 3}]})
    assert status == 200, said
    assert "What each word cost" in {figure["title"] for figure in said["figures"]}


def test_the_schema_says_what_is_continued(server: Served) -> None:
    schema = server.get("/models/story/schema")
    assert schema["given_as"] == "prompt"
    assert {"symbols": "characters", "seen": 192, "prompt": 4_096, "tokens": 1_000}.items() <= schema[
        "continues"
    ].items()
    assert schema["continues"]["defaults"]["tokens"] == 200
    assert server.get("/schema")["continues"] is None
    paths = server.get("/openapi.json")["paths"]
    assert "text/event-stream" in paths["/generate"]["post"]["responses"]["200"]["content"]
