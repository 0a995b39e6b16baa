"""OpenRaster project files (.ora): saving and opening."""

from __future__ import annotations

from sdstudio.storage.ora_read import load_ora, look_at_layers, read_record
from sdstudio.storage.ora_write import save_ora

__all__ = ["load_ora", "look_at_layers", "read_record", "save_ora"]
