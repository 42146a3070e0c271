"""Rows that are made up: what is learned of a table, and which rows judge what is made."""
