"""Everything that touches the disk. Standard library, numpy and Pillow; no Qt, no torch."""
