"""Asks a netpick server: python client.py FILE [ADDRESS], with a token in NETPICK_TOKEN where the server wants one.

FILE: a .csv or .json of rows, or a picture, sound or clip. Nothing but Python's own library is needed.
"""

import json
import os
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path

KINDS = {".csv": "text/csv", ".json": "application/json"}


def predict(path: Path, address: str) -> object:
    body, kind = path.read_bytes(), KINDS.get(path.suffix.lower())
    if kind is None:  # a file that is a row: as a browser's form sends it
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n\r\n'
        body, kind = head.encode() + body + f"\r\n--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}"
    headers = {"Content-Type": kind, "Accept": "application/json"}
    if token := os.environ.get("NETPICK_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(f"{address}/predict", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{error.code}: {error.read().decode()}")


if __name__ == "__main__":
    found = predict(Path(sys.argv[1]), (sys.argv[2:] or ["http://127.0.0.1:8000"])[0])
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
