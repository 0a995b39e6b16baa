"""What a model file is, from its header alone: nothing in it is run, and no weights are read."""
