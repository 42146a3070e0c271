"""Hostile and broken inputs over every reader and the model file; `make corpus` runs them all.

A case (case.py) makes one input in an empty folder and says which exit codes are right, which words the message has to hold
and, where the input is rightly accepted, why. run.py puts it through the command line and the API in a process of its own
with limits on time and memory; judge.py says what was wrong with the outcome. Everything is deterministic.
"""
