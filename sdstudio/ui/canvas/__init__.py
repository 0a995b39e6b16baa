"""The canvas in the window: the view that one paints on, its tools, options, layers and dialogs."""
