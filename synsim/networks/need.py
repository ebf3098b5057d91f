"""JAX, imported when it is needed, on one thread where nobody imported it before."""

from __future__ import annotations

import os
import sys
from typing import Any

from synsim.component.errors import MissingExtraError

# The bytes of a result then do not depend on the number of cores; several chunks of networks are
# trained in processes side by side instead.
_alone = False
_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def jax() -> Any:
    """The module `jax`.

    Raises
    ------
    MissingExtraError
        when jax or optax is not installed.
    """
    global _alone
    known = "jax" in sys.modules
    flags = os.environ.get("XLA_FLAGS")
    if not known:
        os.environ["XLA_FLAGS"] = f"{flags or ''} {_ONE_THREAD}".strip()
    try:
        import jax
        import optax  # noqa: F401

        if not known:
            jax.devices()  # the flags are read here
            _alone = True
    except ImportError as error:
        raise MissingExtraError(
            f"learning needs {error.name or 'jax'}, which is not installed: "
            "pip install 'synsim[networks]'"
        ) from None
    finally:
        if not known:
            if flags is None:
                del os.environ["XLA_FLAGS"]
            else:
                os.environ["XLA_FLAGS"] = flags
    return jax


def threads() -> int:
    """Threads that computed a result: 1, unless JAX was there before and has them all."""
    return 1 if _alone else (os.cpu_count() or 1)
