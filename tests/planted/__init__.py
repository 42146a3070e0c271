"""Planted leaks and defects over all kinds of data, and clean sets that must pass: `make planted` runs them."""
