"""`synsim` and `python -m synsim`: Ctrl-C is answered in one line from the first import on."""

import sys


def main() -> int:
    """Run the command line of this process; returns the exit code."""
    try:
        from synsim.cli import main as run

        return run()
    except KeyboardInterrupt:
        print("synsim: interrupted; nothing was kept", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
