"""A request's life: journal, engine, saving, done mark. No Qt, no torch."""
