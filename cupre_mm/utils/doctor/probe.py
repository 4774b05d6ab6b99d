"""Script that imports and runs what may break; the doctor's child process.

    python probe.py OUT STEP [STEP ...]

Each step appends two json lines to OUT: its name when it starts, and what it
found or how it failed. A step that kills the process so leaves its name as
the last line. Nothing of cupre_mm is imported, as that may be what is broken.
"""

import importlib
import json
import math
import sys


def look_at_torch():
    """Describe torch, its GPUs and its bridge to numpy."""
    import torch

    cuda = torch.cuda.is_available()
    found = {
        'version': torch.__version__,
        'file': torch.__file__,
        'cuda': torch.version.cuda,
        'hip': getattr(torch.version, 'hip', None),
        'cudnn': torch.backends.cudnn.version() if cuda else None,
        'threads': torch.get_num_threads(),
        'arch_list': torch.cuda.get_arch_list() if cuda else [],
        'gpus': [],
    }
    for index in range(torch.cuda.device_count() if cuda else 0):
        properties = torch.cuda.get_device_properties(index)
        free, total = torch.cuda.mem_get_info(index)
        found['gpus'].append(
            {
                'name': properties.name,
                'capability': [properties.major, properties.minor],
                'memory_gib': round(total / 2**30, 1),
                'free_gib': round(free / 2**30, 1),
            }
        )
    return found


def look_at_numpy_bridge():
    """Send an array to torch and back."""
    import numpy as np
    import torch

    array = np.arange(6, dtype=np.float32)
    same = bool((torch.from_numpy(array).numpy() == array).all())
    if not same:
        raise AssertionError('torch.from_numpy changed the values')
    return {'numpy': np.__version__}


def look_at_module(name):
    """Import a module; give its version and place."""
    module = importlib.import_module(name)
    return {
        'version': str(getattr(module, '__version__', '')),
        'file': getattr(module, '__file__', None),
    }


def run_gpu_sum(device):
    """Add numbers on a GPU: fails where torch has no kernels for it."""
    import torch

    total = torch.arange(1000, device=device).sum().item()
    _expect('sum', total, 499500.0)
    return {}


def run_nms(device):
    """Keep two of three boxes, the second overlapping the first by 0.68."""
    import torch
    from mmcv.ops import nms

    boxes = [[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]]
    _, kept = nms(
        torch.tensor(boxes, dtype=torch.float32, device=device),
        torch.tensor([0.9, 0.8, 0.7], device=device),
        iou_threshold=0.5,
    )
    _expect('nms', kept.tolist(), [0, 2])
    return {}


def run_roi_align(device):
    """Average a ramp, whose mean over a bin is its value in the middle."""
    import torch
    from mmcv.ops import roi_align

    ramp = torch.arange(16.0, device=device).repeat(16, 1)[None, None]
    rois = torch.tensor([[0.0, 2.0, 2.0, 10.0, 10.0]], device=device)
    pooled = roi_align(ramp, rois, (2, 2), 1.0, 2, 'avg', True)
    # Pixel centres: x of the continuous image is 0.5 more than the index.
    _expect('roi_align', pooled.flatten().tolist(), [3.5, 7.5, 3.5, 7.5])
    return {}


def run_deform_conv(device):
    """Shift by one pixel through the offsets; the backward pass too."""
    import torch
    from mmcv.ops import deform_conv2d

    image = torch.arange(25.0, device=device).reshape(1, 1, 5, 5)
    image.requires_grad_(True)
    offset = torch.zeros(1, 2, 5, 5, device=device)
    offset[:, 1] = 1.0
    weight = torch.full((1, 1, 1, 1), 2.0, device=device)
    out = deform_conv2d(image, offset, weight, 1, 0)
    _expect('deform_conv2d', out[0, 0, 1, :4].tolist(), [12, 14, 16, 18])
    out.sum().backward()
    _expect('its gradient', image.grad[0, 0, 2].tolist(), [0, 2, 2, 2, 2])
    return {}


def _expect(name, got, expected):
    flat = got if isinstance(got, list) else [got]
    right = expected if isinstance(expected, list) else [expected]
    if len(flat) != len(right) or not all(
        math.isclose(a, b, abs_tol=1e-3) for a, b in zip(flat, right)
    ):
        raise AssertionError(f'{name} gave {got} in place of {expected}')


STEPS = {
    'torch': look_at_torch,
    'numpy_bridge': look_at_numpy_bridge,
    'import': look_at_module,
    'gpu_sum': run_gpu_sum,
    'nms': run_nms,
    'roi_align': run_roi_align,
    'deform_conv': run_deform_conv,
}


def main():
    """Run the steps that the command line names, as NAME or NAME:VALUE."""
    out, *steps = sys.argv[1:]
    with open(out, 'a', encoding='utf-8') as journal:
        for step in steps:
            name, _, value = step.partition(':')
            _note(journal, {'step': step})
            try:
                found = STEPS[name](*([value] if value else []))
                _note(journal, {'step': step, 'found': found})
            # Whatever a broken package raises is what is looked for.
            except BaseException as error:
                told = f'{type(error).__name__}: {error}'
                _note(journal, {'step': step, 'error': told})


def _note(journal, entry):
    journal.write(json.dumps(entry) + '\n')
    journal.flush()


if __name__ == '__main__':
    main()
