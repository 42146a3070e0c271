"""One candidate: its batches, augmentation, optimizer, loop, clock and checkpoints."""
