"""Pieces of music as they go on: chords, the blocks of them that are learned from and answered, and the task of the next chord."""
