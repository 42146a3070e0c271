"""Objects in pictures: what each is, and the box around it."""
