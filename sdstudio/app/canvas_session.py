"""The one owner of the canvas: what is open, the tools, long work on it. The window and the view talk to this alone."""

from __future__ import annotations

from sdstudio.app.canvas_files import CanvasFiles


class CanvasSession(CanvasFiles):
    """Put together from its parts: `canvas_core` (document and signals), `canvas_background` (long work),
    `canvas_tools` (settings), `canvas_hand` (gestures), `canvas_edits` (undo, layers), `canvas_masks` (the whole
    mask), `canvas_patches` (accepted results), `canvas_files` (open, save, export). Lives in the window's thread.
    """

    def cancel_work(self) -> bool:
        """Stops what can be stopped. False when there is nothing."""
        return self._worker.cancel()

    def cancel(self) -> bool:
        """Escape: takes back the gesture under way, else the preview, else stops the work. False when there is
        nothing of the kind."""
        return self.cancel_gesture() or self.cancel_preview() or self.cancel_work()
