"""The window: QtWidgets on top of the app layer. No torch, no file access beyond the bundled resources."""
