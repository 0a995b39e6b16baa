"""Put this folder on PYTHONPATH, and that Python (with its children) can reach no network: see no_network.py."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
try:
    import no_network
finally:
    del sys.path[0]

no_network.install()
