"""`synsim` and `python -m synsim`: Ctrl-C is answered in one line from the first import on."""

import os
import signal
import sys
import threading
from typing import Any

INTERRUPTED = 130


def main() -> int:
    """Run the command line of this process; returns the exit code."""
    sys.unraisablehook = _once_more
    try:
        from synsim.cli import main as run

        code = run()
    except KeyboardInterrupt:
        print("synsim: interrupted; nothing was kept", file=sys.stderr)
        code = INTERRUPTED
    if code == INTERRUPTED and "jax" in sys.modules:
        # JAX computes on, on threads of its own: waiting for it takes seconds, and it crashes when
        # the interpreter is taken down below it. All that was to be kept is kept by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _once_more(ignored: Any) -> None:
    """Ctrl-C within a callback whose errors nobody hears, a destructor say, is raised after it."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        again = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(ignored)


if __name__ == "__main__":
    raise SystemExit(main())
