"""What the processor computes fast."""

from pathlib import Path

_CPUINFO = Path('/proc/cpuinfo')


def has_bfloat16_matrices(cpuinfo: Path = _CPUINFO) -> bool:
    """Whether the CPU multiplies matrices of bfloat16, as Intel's AMX does.

    Args:
        cpuinfo (Path): What the kernel tells of it. Defaults to Linux' own.

    Returns:
        bool: False also where the system does not say.
    """
    try:
        return ' amx_bf16' in cpuinfo.read_text(errors='replace')
    except OSError:
        return False
