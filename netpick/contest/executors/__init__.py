"""Where trainings run: in this process (`here`), or in worker processes side by side (`processes`). The bytes are the same.

A job is data (`jobs`): a worker is given a run folder and a key, reads the job from there, and leaves what was trained in the same
folder. The contest then takes it up, as it would after an interruption; so whatever becomes of a worker, nothing is lost but time.
"""
