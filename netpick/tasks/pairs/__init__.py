"""Pairs of texts: the second is generated from the first. Which columns they are, their symbols, and the rows that networks read."""
