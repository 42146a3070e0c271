"""A trained model as a web page and an HTTP API, from the model file or exported folder alone. Nothing here trains.

`run.py` starts it; `door.py` lets requests in; `served.py` answers them, many at once (`batching.py`); `ports/` says how each
kind of column is given by a client. What is asked and answered is documented in docs/serving.md.
"""
