"""Search of settings: trials of every family on the training rows, judged on the validation rows, none of which ever sees a test row.

`wanted` says what is searched, `propose` which settings come next, `halving` which trials go on, `searching` runs them, and
`journal` is RUN/trials.jsonl, a line for each rung of a trial. A trial is a job like any other: a key in the run folder.
"""
