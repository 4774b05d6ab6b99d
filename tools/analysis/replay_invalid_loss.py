"""Compute an invalid loss again from the dump of the run that it ended.

Example:
    python tools/analysis/replay_invalid_loss.py invalid_loss_iter7_rank0.pth
"""

import argparse
from collections.abc import Sequence

import torch

from cupre_mm.utils.cli import exits_on_user_error
from cupre_mm.utils.invalid_loss_dump import read_dump, replay_dump


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments without the program's name.
            Defaults to None, those of the process.

    Returns:
        argparse.Namespace: The arguments.
    """
    parser = argparse.ArgumentParser(
        description='Compute an invalid loss again, with the weights, images '
        'and random numbers of the training step, and say from which losses '
        'and which gradients on it is NaN or infinite.'
    )
    parser.add_argument(
        'dump', help='File that cupre_mm.InvalidLossHook wrote.'
    )
    parser.add_argument(
        '--device',
        help='Where to compute, such as cpu or cuda. Defaults to where the '
        'run did, if this machine has it.',
    )
    return parser.parse_args(argv)


@exits_on_user_error
def main(argv: Sequence[str] | None = None) -> dict[str, torch.Tensor]:
    """Print the losses of the run and of the replay.

    Args:
        argv (Sequence[str], optional): Arguments without the program's name.
            Defaults to None, those of the process.

    Returns:
        dict[str, torch.Tensor]: The losses of the replay, by name.
    """
    args = parse_args(argv)
    dump = read_dump(args.dump)
    print(
        f'Iteration {dump["iteration"]}, task {dump["task"]}, precision '
        f'{dump["precision"] or "float32"}, images:'
    )
    for path in dump['images']:
        print(f'  {path}')
    losses = {}
    for name, value in replay_dump(args.dump, device=args.device).items():
        parts = value if isinstance(value, (list, tuple)) else [value]
        losses[name] = sum(part.mean() for part in parts)
    print(f'{"loss":30s} {"in the run":>14s} {"now":>14s}')
    for name, value in losses.items():
        before = dump['losses'][name].item()
        print(f'{name:30s} {before:14.6g} {value.item():14.6g}')
    spoiled = [n for n, v in dump['model'].items() if not _is_finite(v)]
    if spoiled:
        print(
            f'{len(spoiled)} weights are NaN or infinite already, such as '
            f'{spoiled[0]}: an earlier step was too large.'
        )
    return losses


def _is_finite(value: torch.Tensor) -> bool:
    return bool(value.isfinite().all())


if __name__ == '__main__':
    main()
