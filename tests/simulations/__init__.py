"""Simulations: what is claimed of intervals, comparisons and verdicts, held against draws whose truth is known."""
