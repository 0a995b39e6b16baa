"""Values that every layer speaks in. Standard library and numpy types only; no I/O, no Qt, no torch."""
