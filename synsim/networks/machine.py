"""What the machine leaves to this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def available() -> float:
    """Bytes that this process may still take: free memory, or what a container or a limit of the
    process leaves of it. Infinite where the system says nothing (macOS)."""
    found = [float("inf")]
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(1024.0 * int(line.split()[1]))
    except (OSError, ValueError):
        pass  # another system says it elsewhere
    return max(min([*found, *_groups(), *_limit()]), 0.0)


def _groups() -> Iterator[float]:
    """What control groups leave, versions 1 and 2: that of this process and all above it. Pages of
    files that were not used for long are given back, and count as free."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if kinds == "":
            names = ("memory.max", "memory.current", "inactive_file")
            root = _GROUPS
        elif "memory" in kinds.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            root = _GROUPS / "memory"
        else:
            continue
        own = root / path.lstrip("/")
        for group in (own, *(p for p in own.parents if p == root or root in p.parents)):
            left = _left(group, *names)
            if left is not None:
                yield left


def _left(group: Path, most: str, used: str, unused: str) -> float | None:
    try:
        limit = (group / most).read_text(encoding="ascii").strip()
        if limit == "max":
            return None
        stat = (group / "memory.stat").read_text(encoding="ascii").splitlines()
        free = sum(int(line.split()[1]) for line in stat if line.split()[0] == unused)
        return float(int(limit) - int((group / used).read_text(encoding="ascii")) + free)
    except (OSError, ValueError, IndexError):
        return None  # not there, or not ours to read


def _limit() -> Iterator[float]:
    """What `ulimit -v` leaves of the address space."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            yield float(limit - pages * resource.getpagesize())
    except (ImportError, OSError, ValueError):
        return
