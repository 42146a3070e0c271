"""What was said in recordings: their transcripts, the symbols that these are made of, and what is read of a recording."""
