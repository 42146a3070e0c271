"""A text as it goes on: its symbols, the blocks that are learned from and answered, and the task of the next symbol."""
