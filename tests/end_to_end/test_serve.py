"""The server as clients meet it: in a process of its own, over real sockets."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from command_line import command_here
from served_models import Served, curves, digits, multipart, png, shop, sounds, start_forked, table, texts, wav, whistle

import netpick

ROW = {"age": 30, "job": "pilot", "hours": 20.5, "member": "y", "since": "2023-05-05"}
JSON = {"Content-Type": "application/json"}


def rows_of(frame: pl.DataFrame, target: str) -> list[dict[str, Any]]:
    return frame.drop(target).with_columns(pl.selectors.temporal().cast(pl.String)).to_dicts()


# --- the same answers as `netpick predict` ---------------------------------------------------------------------------


def agree(answers: list[dict[str, Any]], expected: pl.DataFrame, labels: list[str]) -> None:
    """Same class wherever the top two differ by more than 1e-5, probabilities within 1e-5."""
    served = np.array([[answer["probabilities"][label] for label in labels] for answer in answers])
    wanted = expected.select([f"probability_{label}" for label in labels]).to_numpy()
    assert np.abs(served - wanted).max() <= 1e-5
    top = np.sort(wanted, axis=1)
    clear = top[:, -1] - top[:, -2] > 1e-5
    said = np.array([answer["prediction"] for answer in answers])
    assert (said[clear] == expected["prediction"].to_numpy()[clear]).all()  # whole numbers, as in the data


def test_ten_thousand_rows_of_a_table_are_answered_as_predict_answers_them(
    server: Served, served_folder: Path, tmp_path: Path
) -> None:
    frame = table().drop("rich").sample(10_000, with_replacement=True, seed=0)
    path = tmp_path / "rows.csv"
    frame.write_csv(path)
    expected = netpick.load(served_folder / "table").predict(path)  # on torch; the server is on onnxruntime
    assert server.get("/schema")["engine"] == "onnx"
    status, said = server.post("/predict", {"rows": frame.to_dicts()})
    assert status == 200
    agree(said["predictions"], expected, ["no", "yes"])
    status, _, body = server.ask("POST", "/predict", path.read_bytes(), {"Content-Type": "text/csv"})
    assert status == 200
    assert json.loads(body)["predictions"][:100] == said["predictions"][:100]
    status, headers, body = server.ask(
        "POST", "/predict", path.read_bytes(), {"Content-Type": "text/csv", "Accept": "text/csv"}
    )
    back = pl.read_csv(body)
    assert back.columns == [*frame.columns, "prediction", "probability_no", "probability_yes"]
    assert (back["prediction"] == expected["prediction"]).mean() > 0.999
    assert headers["content-type"].startswith("text/csv")


def test_every_kind_of_data_is_answered_as_predict_answers_it(
    server: Served, served_folder: Path, tmp_path: Path
) -> None:
    images, _ = digits()
    body, headers = multipart([("files", f"{i}.png", png(image)) for i, image in enumerate(images[:20])])
    status, _, content = server.ask("POST", "/models/digits/predict", body, headers)
    assert status == 200
    paths = []
    for i, image in enumerate(images[:20]):
        (tmp_path / f"{i}.png").write_bytes(png(image))
        paths.append(str(tmp_path / f"{i}.png"))
    agree(
        json.loads(content)["predictions"],
        netpick.load(served_folder / "digits").predict(paths),
        [str(i) for i in range(10)],
    )

    steps, _ = curves()
    _, said = server.post(
        "/models/curves/predict", {"rows": [{"series": curve[:, 0].tolist()} for curve in steps[:20]]}
    )
    agree(said["predictions"], netpick.load(served_folder / "curves").predict(steps[:20]), ["down", "up"])

    reviews = texts().head(20)
    _, said = server.post("/models/texts/predict", {"rows": rows_of(reviews, "label")})
    agree(said["predictions"], netpick.load(served_folder / "texts").predict(reviews), ["bad", "good"])

    folder = sounds(tmp_path / "wavs")
    files = sorted(folder.rglob("*.wav"))[:6]
    body, headers = multipart([("files", file.name, file.read_bytes()) for file in files])
    status, _, content = server.ask("POST", "/models/sounds/predict", body, headers)
    assert status == 200
    agree(
        json.loads(content)["predictions"],
        netpick.load(served_folder / "sounds").predict([str(f) for f in files]),
        ["down", "up"],
    )

    history = shop().with_columns(pl.col("day").cast(pl.String))
    _, said = server.post("/models/shop/predict", {"rows": history.to_dicts()})
    expected = netpick.load(served_folder / "shop").predict(history)
    assert np.allclose([row["prediction"] for row in said["predictions"]], expected["prediction"].to_numpy(), rtol=1e-5)
    assert [row["day"] for row in said["predictions"]] == [str(day) for day in expected["day"].to_list()]


def test_answers_of_a_crowd_are_those_of_one_by_one(server: Served) -> None:
    rows = rows_of(table().head(40), "rich")
    alone = [server.post("/predict", {"rows": [row]})[1]["predictions"][0] for row in rows]
    together: list[Any] = [None] * len(rows)

    def ask(i: int) -> None:
        together[i] = server.post("/predict", {"rows": [rows[i]]})

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(rows))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, (status, said) in zip(alone, together, strict=True):
        if status == 200:  # a crowd may be told to come back
            assert said["predictions"][0]["prediction"] == one["prediction"]
            assert abs(said["predictions"][0]["probabilities"]["yes"] - one["probabilities"]["yes"]) < 1e-6
        else:
            assert status == 429


# --- what is unlike the training data --------------------------------------------------------------------------------


def test_what_is_unlike_the_training_data_is_answered_and_said(server: Served) -> None:
    _, said = server.post(
        "/predict", {"rows": [ROW, {**ROW, "age": 150, "job": "astronaut", "since": "1960-01-01", "shoe": 43}]}
    )
    assert said["predictions"][0]["warnings"] == []
    assert said["predictions"][1]["warnings"] == [
        "Age is 150, but all training rows lie in 17 to 89.",
        "Job is 'astronaut', which no training row is.",
        "Since is '1960-01-01', far earlier than the training rows.",
        "Not read by this model, and left aside: 'shoe'.",
    ]
    _, said = server.post("/models/texts/predict", {"rows": [{"review": "quux flarp zorb"}, {"review": ""}]})
    first, second = (answer["warnings"] for answer in said["predictions"])
    assert first == ["100% of the words of review are in no training text."]
    assert second == ["Review is empty; there is nothing to read in it."]
    _, _, body = server.ask(
        "POST", "/models/digits/predict", png(np.full((90, 30), 255)), {"Content-Type": "image/png"}
    )
    assert (
        "The picture of 30 x 90 pixels was squeezed to 8 x 8, as the network reads."
        in json.loads(body)["predictions"][0]["warnings"]
    )
    _, _, body = server.ask("POST", "/models/sounds/predict", wav(np.zeros(900)), {"Content-Type": "audio/wav"})
    assert "The sound is silent throughout." in json.loads(body)["predictions"][0]["warnings"]


# --- rows as other servers take them ---------------------------------------------------------------------------------


def test_rows_are_taken_as_other_servers_take_them(server: Served) -> None:
    rows = [ROW, {**ROW, "age": 77}]
    _, said = server.post("/predict", {"rows": rows})
    expected = [row["prediction"] for row in said["predictions"]]
    split = {"columns": list(ROW), "data": [list(row.values()) for row in rows]}
    for path, body in (
        ("/predict", rows),
        ("/predict", {"instances": rows}),
        ("/predict", {"dataframe_records": rows}),
        ("/predict", {"dataframe_split": split}),
        ("/invocations", {"dataframe_split": split}),
        ("/predictions/table", rows),
        ("/v1/models/table:predict", {"instances": rows}),
    ):
        status, answered = server.post(path, body)
        assert status == 200, (path, answered)
        assert [row["prediction"] for row in answered["predictions"]] == expected
    status, answered = server.post("/predict", ROW)
    assert (status, [row["prediction"] for row in answered["predictions"]]) == (200, expected[:1])


# --- what a client can send wrong ------------------------------------------------------------------------------------

CSV = {"Content-Type": "text/csv"}
BROKEN: dict[str, tuple[str, bytes, dict[str, str], int, str, str | None]] = {
    # name: path, body, headers, status, code, words of the message
    "no body": ("/predict", b"", JSON, 400, "invalid_json", "The body is empty"),
    "no json": ("/predict", b"{nope", JSON, 400, "invalid_json", "no JSON"),
    "NaN": ("/predict", b'{"rows":[{"age":NaN}]}', JSON, 400, "invalid_json", "send null"),
    "deep json": ("/predict", b"[" * 100_000, JSON, 400, "invalid_json", "recursion"),
    "no utf-8": ("/predict", b'{"rows":["\xff"]}', JSON, 400, "invalid_json", "unicode"),
    "no rows": ("/predict", b"{}", JSON, 422, "invalid_value", "was expected"),
    "rows of nothing": ("/predict", b'{"rows":[]}', JSON, 422, "invalid_value", "at least one"),
    "a row that is none": ("/predict", b'{"rows":[7]}', JSON, 422, "invalid_value", "Row 0 is 7"),
    "huge number": ("/predict", json.dumps({"rows": [{**ROW, "age": 10**400}]}).encode(), JSON, 422, "invalid_value", "number was expected"),
    "infinite number": ("/predict", json.dumps({"rows": [ROW]}).replace("30", "1e999").encode(), JSON, 422, "invalid_value", "'age'"),
    "text for a number": ("/predict", json.dumps({"rows": [{**ROW, "age": "many"}]}).encode(), JSON, 422, "invalid_value", "number was expected"),
    "list in a cell": ("/predict", json.dumps({"rows": [{**ROW, "job": ["x"]}]}).encode(), JSON, 422, "invalid_value", "one value"),
    "no date": ("/predict", json.dumps({"rows": [{**ROW, "since": "soon"}]}).encode(), JSON, 422, "invalid_value", "written like 2023"),
    "missing field": ("/predict", json.dumps({"rows": [{"age": 3}]}).encode(), JSON, 422, "missing_field", "'job'"),
    "long text": ("/models/texts/predict", json.dumps({"rows": [{"review": "x" * 200_000}]}).encode(), JSON, 422, "too_long", "200,000 characters"),
    "number for a text": ("/models/texts/predict", b'{"rows":[{"review":3}]}', JSON, 422, "invalid_value", "in quotes"),
    "other columns": ("/predict", b"a,b\n1,2\n", CSV, 422, "missing_field", "Its columns: 'a', 'b'"),
    "empty csv": ("/predict", b"", CSV, 422, "invalid_data", "The CSV is empty"),
    "header alone": ("/predict", b"age,job,hours,member,since\n", CSV, 422, "invalid_data", "rows"),
    "no type": ("/predict", b"abc", {"Content-Type": "application/x-none"}, 415, "unsupported_type", "application/json"),
    "curl without a type": ("/predict", b'{"rows":[]}', {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_type", "with curl: -H 'Content-Type: application/json'"),
    "split without cells": ("/predict", b'{"dataframe_split":{"columns":["age"]}}', JSON, 422, "invalid_value", '"data"'),
    "split of other cells": ("/predict", b'{"dataframe_split":{"columns":["age"],"data":[[1,2]]}}', JSON, 422, "invalid_value", "a list of 1 cells"),
    "instances of nothing": ("/predict", b'{"instances":[]}', JSON, 422, "invalid_value", "'instances' is"),
    "compressed": ("/predict", b"abc", {**JSON, "Content-Encoding": "gzip"}, 415, "unsupported_type", "not unpacked"),
    "no boundary": ("/predict", b"abc", {"Content-Type": "multipart/form-data"}, 400, "invalid_form", "boundary"),
    "half a form": ("/predict", b'--line\r\nContent-Disposition: form-data; name="a"\r\n\r\nx', {"Content-Type": "multipart/form-data; boundary=line"}, 400, "invalid_form", None),
    "no file": ("/models/digits/predict", *multipart([("files", None, b"x")]), 422, "missing_field", "holds no file"),
    "empty picture": ("/models/digits/predict", b"", {"Content-Type": "image/png"}, 422, "unreadable_file", "0 bytes"),
    "no picture": ("/models/digits/predict", b"abc", {"Content-Type": "image/png"}, 422, "unreadable_file", "cannot be read"),
    "half a picture": ("/models/digits/predict", png(np.zeros((50, 50)))[:-40], {"Content-Type": "image/png"}, 422, "unreadable_file", None),
    "picture of many pixels": ("/models/digits/predict", png(np.zeros((6000, 6000))), {"Content-Type": "image/png"}, 413, "too_large", "6,000 x 6,000"),
    "pixels of another size": ("/models/digits/predict", b'{"rows":[{"image":[[1,2],[3,4]]}]}', JSON, 422, "invalid_value", "8 rows of 8"),
    "no base64": ("/models/digits/predict", b'{"rows":[{"image":"!!!"}]}', JSON, 422, "invalid_value", "base64"),
    "paths of the server": ("/models/digits/predict", b"image\n/etc/passwd\n", CSV, 415, "unsupported_type", "Send the files"),
    "empty sound": ("/models/sounds/predict", b"", {"Content-Type": "audio/wav"}, 422, "unreadable_file", "0 bytes"),
    "no sound": ("/models/sounds/predict", *multipart([("files", "a.wav", b"RIFFxxxx")]), 422, "unreadable_file", "File 'a.wav'"),
    "short series": ("/models/curves/predict", b'{"rows":[{"series":[1,2,3]}]}', JSON, 422, "invalid_value", "exactly 24"),
    "words in a series": ("/models/curves/predict", b'{"rows":[{"series":["a"]}]}', JSON, 422, "invalid_value", "not numbers"),
    "channels": ("/models/curves/predict", b'{"rows":[{"series":[[1,2],[3,4]]}]}', JSON, 422, "invalid_value", "2 channels"),
    "no history": ("/models/shop/predict", b"day,sales\n", CSV, 422, "invalid_data", "no rows"),
    "history without a target": ("/models/shop/predict", b'{"rows":[{"day":"2023-01-01"}]}', JSON, 422, "missing_field", "'sales'"),
    "unknown model": ("/models/tabel/predict", b"{}", JSON, 404, "not_found", "Did you mean table"),
    "unknown path": ("/predicts", b"{}", JSON, 404, "not_found", "/predict"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_a_client_got_wrong_is_refused_in_words(server: Served, name: str) -> None:
    path, body, headers, status, code, words = BROKEN[name]
    found, answered, content = server.ask("POST", path, body, headers)
    error = json.loads(content)["error"]
    assert (found, error["code"]) == (status, code), error
    assert words is None or words in error["message"]
    assert answered["content-type"] == "application/json"
    assert error["message"][0].isupper() or error["message"][0] in "'{"
    assert "Traceback" not in error["message"]
    assert "/tmp" not in error["message"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read(server: Served) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(
            b"POST /models/digits/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 52428800\r\n\r\n"
        )
        answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"52.4 MB or more, and at most 21.0 MB are read" in answer
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(400):
                client.sendall(chunk)
        except OSError:
            pass  # it hung up, as it may
        client.settimeout(5)
        try:
            answer = client.recv(4096)
        except OSError:
            answer = b"HTTP/1.1 413 "
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(server: Served, method: str) -> None:
    status, headers, _ = server.ask(method, "/predict")
    assert status == 405
    assert headers["allow"] == "POST"


def raw(server: Served, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        pieces = []
        while piece := client.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def test_what_is_no_http_is_refused_in_words(server: Served) -> None:
    for data in (
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    ):
        answer = raw(server, data)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b'"code":"invalid_request"' in answer


def test_pipelined_requests_are_answered_in_their_order(server: Served) -> None:
    def request(age: int) -> bytes:
        body = json.dumps({"rows": [{**ROW, "age": age}]}).encode()
        return (
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )

    last = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(request(20) + request(200) + last)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.index(b'"warnings":[]') < answer.index(b"Age is 200") < answer.index(b'"live":true')


def test_clients_that_hang_up_leave_no_trace(server: Served) -> None:
    for end in (10, 60, 150):
        body = json.dumps({"rows": [ROW]}).encode()
        data = (
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            client.sendall(data[:end])
    assert server.post("/predict", {"rows": [ROW]})[0] == 200


# --- who may ask -----------------------------------------------------------------------------------------------------


def test_other_names_and_other_sites_are_refused(server: Served) -> None:
    body = json.dumps({"rows": [ROW]}).encode()
    for headers in (
        {"Host": "evil.example"},
        {"Host": f"evil.example:{server.port}"},
        {"Host": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        for path in ("/predict", "/v2/models/table/infer"):
            status, answered, _ = server.ask("POST", path, body, {**JSON, **headers})
            assert status == 403, headers
            assert "access-control-allow-origin" not in answered
    status, _, _ = server.ask("GET", "/schema", None, {"Host": "evil.example"})
    assert status == 403
    for host in (f"localhost:{server.port}", f"127.0.0.1:{server.port}", f"[::1]:{server.port}", "LOCALHOST"):
        status, _, _ = server.ask("POST", "/predict", body, {**JSON, "Host": host, "Origin": f"http://{host}"})
        assert status == 200, host


def test_every_answer_has_its_security_headers(server: Served) -> None:
    for method, path in (
        ("GET", "/"),
        ("GET", "/schema"),
        ("POST", "/predict"),
        ("GET", "/nowhere"),
        ("GET", "/page/page.js"),
    ):
        _, headers, _ = server.ask(method, path, b"{}" if method == "POST" else None)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
    policy = server.ask("GET", "/")[1]["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy


def test_a_server_with_a_token_answers_nobody_without_it(served_folder: Path) -> None:
    served = start_forked([served_folder / "table"], "--token", "open-sesame-1234", "--host", "0.0.0.0")
    try:
        body = json.dumps({"rows": [ROW]}).encode()
        paths = [
            "/",
            "/schema",
            "/models",
            "/metrics",
            "/health/live",
            "/health/ready",
            "/openapi.json",
            "/page/page.js",
            "/v2",
            "/v2/health/live",
            "/v2/models/table",
            "/?token=wrong-token",
        ]
        wrong: list[dict[str, str]] = [
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic open-sesame-1234"},
            {"Cookie": f"netpick_{served.port}=wrong"},
        ]
        for headers in wrong:
            for path in paths:
                assert served.ask("GET", path, None, headers)[0] == 401, path
            for path in ("/predict", "/explain", "/v2/models/table/infer", "/models/table/predict"):
                status, answered, _ = served.ask("POST", path, body, {**JSON, **headers})
                assert status == 401
                assert answered["www-authenticate"].startswith("Bearer")
        right = {**JSON, "Authorization": "Bearer open-sesame-1234"}
        assert served.ask("POST", "/predict", body, right)[0] == 200
        assert served.ask("GET", "/schema", None, right)[0] == 200
        status, headers, _ = served.ask("GET", "/?token=open-sesame-1234")
        assert (status, headers["location"]) == (303, "/")
        cookie = headers["set-cookie"]
        assert cookie.startswith(f"netpick_{served.port}=")  # two servers of one machine share a browser's cookies
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert served.ask("GET", "/", None, {"Cookie": cookie.partition(";")[0]})[0] == 200
        assert "open-sesame" not in "".join(served.log)
    finally:
        assert served.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "--token"),
        (["--token", "short"], "easy to guess"),
        (["--token", "long-enough-token", "--no-auth"], "opposite"),
        (["--port", "70000"], "no port 70000"),
        (["--engine", "tensor"], "no engine 'tensor'"),
    ],
)
def test_what_cannot_be_served_is_said_before_it_starts(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = command_here("serve", "none.netpick", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said(server: Served, served_folder: Path) -> None:
    command = [sys.executable, "-m", "netpick.cli", "serve", str(served_folder / "table"), "--port", str(server.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "Pass another --port" in done.stderr


def test_an_address_that_others_reach_without_tls_is_said(served_folder: Path) -> None:
    served = start_forked([served_folder / "table"], "--host", "0.0.0.0", "--no-auth")
    assert served.stop() == 0
    assert any("HTTP is not encrypted" in line for line in served.log)


# --- starting and stopping -------------------------------------------------------------------------------------------


def test_serving_loads_nothing_that_trains_and_an_export_no_torch(served_folder: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom netpick.serve.run import load_models\nfrom netpick.serve.options import ServeOptions\n"
        "from netpick.serve.service import Service\nfrom netpick.serve.app import make_app\n"
        f"options = ServeOptions()\nservice = Service(load_models([Path({str(served_folder / 'table')!r})], options), options)\n"
        "make_app(service)\nserved = service.first\n"
        "served.answer([served.rows_of([{'age': 1, 'job': 'x', 'hours': None, 'member': 'y', 'since': None}])])\n"
        "rooms = ('netpick.training', 'netpick.contest', 'netpick.models.baselines')\n"
        "print([name for name in sys.modules if name.startswith(rooms)], 'torch' in sys.modules, 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[] False False", done.stdout + done.stderr


def test_requests_under_way_are_answered_when_the_server_stops(served_folder: Path) -> None:
    served = start_forked([served_folder / "table"])
    body = json.dumps({"rows": [ROW] * 20}).encode()
    answered, broken, stop = [0] * 4, [], threading.Event()

    def client(number: int) -> None:
        import http.client

        while not stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
            try:
                connection.connect()
            except OSError:
                return  # it takes nobody any more
            sent = False
            try:
                while True:
                    connection.request("POST", "/predict", body, JSON)
                    sent = True
                    response = connection.getresponse()
                    response.read()
                    answered[number] += response.status in (200, 429)
                    if response.will_close:
                        break
            except OSError as error:
                if sent and answered[number]:
                    broken.append(repr(error))
                return

    threads = [threading.Thread(target=client, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.4)
    assert served.stop() == 0
    stop.set()
    for thread in threads:
        thread.join()
    last = json.loads(next(line for line in reversed(served.log) if '"stopped"' in line))
    assert min(answered) > 0
    assert last["requests"] == last["answered"]
    assert broken == []


# --- the rest of the interface ---------------------------------------------------------------------------------------


def test_schema_health_and_metrics(server: Served) -> None:
    schema = server.get("/schema")
    assert [field["name"] for field in schema["inputs"]] == ["age", "job", "hours", "member", "since"]
    assert (schema["inputs"][0]["low"], schema["inputs"][0]["high"]) == (17, 89)
    assert schema["inputs"][1]["values"] == ["clerk", "cook", "nurse", "pilot"]
    assert schema["scores"][0]["low"] <= schema["scores"][0]["value"] <= schema["scores"][0]["high"]
    assert "## Limits" in schema["card"]
    for name, row in (
        (name, server.get(f"/models/{name}/schema")["examples"])
        for name in ("table", "prices", "digits", "curves", "texts")
    ):
        status, said = server.post(f"/models/{name}/predict", {"rows": row})
        assert status == 200, said
    assert server.get("/health/live") == {"live": True}
    assert server.get("/health/ready") == {"ready": True}
    metrics = server.ask("GET", "/metrics")[2].decode()
    assert 'netpick_requests_total{route="/predict",status="200"}' in metrics
    assert 'netpick_batch_rows_total{model="table"}' in metrics


def test_a_row_is_explained(server: Served) -> None:
    status, said = server.post("/explain", {"rows": [ROW]})
    assert status == 200, said
    assert said["figures"]
    assert "<figure" in said["figures"][0]["html"]
    status, said = server.post("/explain", {"rows": [{"age": 1}]})
    assert (status, said["error"]["code"]) == (422, "missing_field")


def test_a_model_file_that_was_replaced_is_not_explained(served_folder: Path, tmp_path: Path) -> None:
    """The graph answers; the network would be read from the file, which is another by now."""
    shutil.copytree(served_folder / "table", tmp_path / "table")
    served = start_forked([tmp_path / "table"])
    try:
        shutil.copy(served_folder / "prices" / "model.netpick", tmp_path / "table" / "model.netpick")
        status, said = served.post("/explain", {"rows": [ROW]})
        assert (status, said["error"]["code"]) == (501, "not_supported")
        assert "was replaced since the server started" in said["error"]["message"]
        assert served.post("/predict", {"rows": [ROW]})[0] == 200
    finally:
        assert served.stop() == 0


def test_tritons_own_client_talks_to_it(server: Served) -> None:
    triton = pytest.importorskip("tritonclient.http", reason="tritonclient is not installed")
    client = triton.InferenceServerClient(f"localhost:{server.port}")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("table")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = client.get_model_metadata("table")
    frame = table().head(30)
    expected = server.post("/predict", {"rows": rows_of(frame, "rich")})[1]["predictions"]
    for binary in (True, False):
        inputs = []
        for described in metadata["inputs"]:
            cells = frame[described["name"]]
            kind = np.float64 if described["datatype"] == "FP64" else np.object_
            values = (
                cells.to_numpy().astype(np.float64) if kind is np.float64 else np.array(cells.to_list(), dtype=object)
            )
            given = triton.InferInput(described["name"], [30], described["datatype"])
            if binary or described["datatype"] == "BYTES" or not np.isnan(values).any():
                given.set_data_from_numpy(values, binary_data=binary)
            else:
                given.set_data_from_numpy(np.nan_to_num(values), binary_data=binary)
                continue_with = np.isnan(values)
            inputs.append(given)
        outputs = [
            triton.InferRequestedOutput(name, binary_data=binary)
            for name in ("prediction", "probabilities", "warnings")
        ]
        result = client.infer("table", inputs, request_id="one", outputs=outputs)
        assert result.get_response()["id"] == "one"
        said = [text.decode() if isinstance(text, bytes) else text for text in result.as_numpy("prediction").tolist()]
        known = ~continue_with if not binary else np.ones(30, dtype=bool)
        assert [s for s, k in zip(said, known, strict=True) if k] == [
            e["prediction"] for e, k in zip(expected, known, strict=True) if k
        ]
        chances = result.as_numpy("probabilities")[:, 1]
        assert np.allclose(chances[known], np.array([e["probabilities"]["yes"] for e in expected])[known], atol=1e-6)
    images, _ = digits()
    pixels = triton.InferInput("image", [12, 1, 8, 8], "UINT8")
    pixels.set_data_from_numpy(images[:12, None])
    assert client.infer("digits", [pixels]).as_numpy("probabilities").shape == (12, 10)
    files = triton.InferInput("image", [2], "BYTES")
    files.set_data_from_numpy(np.array([png(images[0]), png(images[1])], dtype=object))
    assert client.infer("digits", [files]).as_numpy("prediction").shape == (2,)
    with pytest.raises(triton.InferenceServerException, match="The model has no input 'image'"):
        client.infer("table", [pixels])
    client.close()


def test_a_sound_is_answered_as_a_body_and_as_a_tensor(server: Served) -> None:
    data = wav(whistle(rising=True, take=3))
    status, _, body = server.ask("POST", "/models/sounds/predict", data, {"Content-Type": "audio/wav"})
    assert status == 200
    import base64

    _, said = server.post(
        "/models/sounds/predict",
        {"rows": [{server.get("/models/sounds/schema")["inputs"][0]["name"]: base64.b64encode(data).decode()}]},
    )
    assert said["predictions"] == json.loads(body)["predictions"]
