"""Where the frozen `sdstudio-cli` starts: the same commands, and never a window."""

from entry_damaged import run_whole

if __name__ == "__main__":

    def start() -> int:
        import multiprocessing

        multiprocessing.freeze_support()
        from sdstudio.wiring import cli_main

        return cli_main()

    run_whole(start)
