"""What tasks share whose answers lie in pictures."""
