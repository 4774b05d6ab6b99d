"""What a fine-tuning prints: its plan, and what came of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cupre_mm.utils.own_labels.preparation import Prepared

_NOTES_SHOWN = 8


def describe_plan(prepared: 'Prepared') -> str:
    """Say what is about to be trained.

    Args:
        prepared (Prepared): The plan.

    Returns:
        str: Lines of text.
    """
    plan, read = prepared.plan, prepared.read
    scales = ', '.join(f'{scale:g}' for scale in plan.anchor_scales)
    parts = ', '.join(
        f'{name} {images} images with {cells} cells'
        for name, (images, cells) in prepared.held_out.counts.items()
    )
    lines = [
        f'labels     {read.result.images} images, '
        f'{read.result.annotations} cells, read as {read.form}; classes: '
        f'{", ".join(plan.classes)}',
        f'parts      {parts}',
        f'rule       {prepared.held_out.rule}',
        f'start      {prepared.start.kind}'
        + (f': {prepared.start.path}' if prepared.start.path else ''),
        f'model      {plan.size}, on {plan.device}'
        + (' in bfloat16' if plan.bfloat16 else ''),
        f'cells      {plan.diameter:g} px typical diameter, images magnified '
        f'x {plan.factor:g}: {plan.cell_diameter:g} px at the network',
        f'anchors    scales [{scales}], {plan.uncovered:.1%} of the cells '
        'never positive',
        f'training   at most {plan.iterations} iterations of '
        f'{plan.batch_size} crops of {plan.crop} px, validation every '
        f'{plan.val_interval}, stops when it gains no more',
        f'config     {prepared.config}',
    ]
    notes = [f'note: {note}' for note in read.notes]
    if len(notes) > _NOTES_SHOWN:
        left = len(notes) - _NOTES_SHOWN
        notes = [
            *notes[:_NOTES_SHOWN],
            f'note: and {left} more kinds of case, all of them in '
            'data/annotations/conversion_report.json',
        ]
    warnings = [f'warning: {warning}' for warning in prepared.warnings]
    return '\n'.join([*lines, *notes, *warnings])


def describe_result(result: dict[str, Any]) -> str:
    """Say what came of a training.

    Args:
        result (dict): Of :func:`.training_run.train`.

    Returns:
        str: Lines of text.
    """
    if result['chosen_on_same_part']:
        honest = (
            'the held-out part, on which the checkpoint was chosen too, so '
            'a little too good'
        )
    else:
        honest = 'the test part, on which nothing was chosen'
    threshold = result.get('score_thr', 0.5)
    scores = ', '.join(
        f'{name} {value:.3f}' for name, value in result['scores'].items()
    )
    lines = [
        f'scores     {scores}',
        f'           of {result["scored_cells"]} cells in '
        f'{result["scored_images"]} images of {honest}; F1 of cells with '
        f'scores of {threshold:g} or more, which is best on the '
        'val part',
        f'training   {result["iterations"]} of at most '
        f'{result["most_iterations"]} iterations; the best was '
        f'{result["best_checkpoint"]}',
        f'model      {result["model"]}',
        'predict    python tools/predict.py '
        f'{result["config"]} {result["model"]} IMAGES '
        f'{Path(result["model"]).parent / "predictions"} --score-thr '
        f'{threshold:g}',
    ]
    if result.get('was_done'):
        lines.insert(0, 'This run was finished before; nothing is trained.')
    return '\n'.join(lines)
