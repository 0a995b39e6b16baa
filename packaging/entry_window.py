"""Where the frozen `sdstudio` starts."""

from entry_damaged import run_whole

if __name__ == "__main__":

    def start() -> int:
        from sdstudio.__main__ import main

        return main()

    run_whole(start)
