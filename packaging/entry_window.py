"""Where the frozen `sdstudio` starts."""

from entry_damaged import run_whole

if __name__ == "__main__":

    def start() -> int:
        from sdstudio.app.qt_imports import leave_sources_alone

        # PyInstaller's own start-up code has imported PySide6 already.
        leave_sources_alone()
        from sdstudio.__main__ import main

        return main()

    run_whole(start)
