"""The second half of the main job: encode -> plan -> train -> compare -> evaluate -> report -> artifact.

`run.py` is the line on one screen; each stage is a file with functions that take frozen values and return others. Nothing is read
or split here (prepare.py), and nothing here knows how a network is trained (train.py).
"""
