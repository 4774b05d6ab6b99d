"""Statistics of a data set as text for the screen."""

from collections.abc import Mapping
from typing import Any

_MOST_SIZES = 8
_MOST_RANKED = 5


def instances_text(found: Mapping[str, Any]) -> list[str]:
    """Tell counts and sizes.

    Args:
        found (Mapping[str, Any]): What ``describe_instances`` gave.

    Returns:
        list[str]: Lines.
    """
    lines = [
        f'{found["images"]} images, {found["instances"]} instances, '
        f'{found["images_without_instances"]} images without any'
    ]
    for key in ('crowd_regions', 'boxes_without_extent'):
        if found[f'{key}_left_out']:
            words = key.replace('_', ' ')
            lines.append(f'left out: {found[f"{key}_left_out"]} {words}')
    lines.append(_sizes_text(found['image_sizes']))
    lines.append(_header('as stored'))
    for key, label in (
        ('instances_per_image', 'instances an image'),
        ('sqrt_area', 'root of mask area [px]'),
        ('box_width', 'box width [px]'),
        ('box_height', 'box height [px]'),
        ('box_aspect', 'box aspect'),
    ):
        lines.append(_row(label, found[key]))
    for name, part in found.get('by_stratum', {}).items():
        count = f'{part["images"]} images, {part["instances"]} instances'
        lines.append(f'{name}: {count}')
        lines.append(_row('  instances an image', part['instances_per_image']))
        lines.append(_row('  root of mask area [px]', part['sqrt_area']))
    return lines


def anchors_text(found: Mapping[str, Any]) -> list[str]:
    """Tell how anchors fit.

    Args:
        found (Mapping[str, Any]): What ``describe_anchors`` gave.

    Returns:
        list[str]: Lines.
    """
    sides = ', '.join(f'{side:g}' for side in found['anchor_sides'])
    lines = [
        f'anchors of {sides} px, {found["anchors_per_location"]} a location; '
        f'positive from IoU {found["pos_iou_thr"]:g}, the best one of a box '
        f'from {found["min_pos_iou"]:g}',
        f'{"scale of the pipeline":<24}{"uncovered":>10}{"IoU<0.5":>9}'
        f'{"IoU<" + format(found["pos_iou_thr"], "g"):>9}{"mean IoU":>9}'
        f'{"box side p5 / p50 / p95":>25}',
    ]
    rows = {
        **found['by_scale'],
        'all': {**found['all_scales'], 'box_side': None},
        **found.get('by_stratum', {}),
    }
    for name, part in rows.items():
        if 'uncovered' not in part:
            continue
        side = part.get('box_side')
        sides = (
            '{p5:.0f} / {p50:.0f} / {p95:.0f}'.format(**side) if side else ''
        )
        lines.append(f'{name:<24}{_coverage(part)}{sides:>25}')
    for name, part in found['by_scale'].items():
        if part.get('cell_diameter'):
            lines.append(
                f'median diameter at {name}: '
                f'{part["cell_diameter"]["p50"]:.1f} px (cell_diameter of a '
                'config, at the scale of its test pipeline)'
            )
    lines.append('best possible recall of the anchors:')
    lines.append(
        f'{"box side [px]":<16}{"aspect":<12}{"boxes":>9}'
        + ''.join(f'{"IoU " + iou:>9}' for iou in ('0.3', '0.5', '0.7'))
    )
    for row in found['recall']:
        lines.append(
            f'{_range(row["sides"]):<16}{_range(row["aspects"]):<12}'
            f'{row["boxes"]:>9}'
            + ''.join(f'{value:>9.1%}' for value in row['recall'].values())
        )
    ranked = found.get('ranked_scales', [])
    if ranked:
        lines.append(
            'other anchor scales, tried on '
            f'{found["ranked_on_boxes"]} boxes, best first (sorted by '
            'uncovered + IoU<0.5):'
        )
        same = found['anchors_per_location']
        lines += _ranked([r for r in ranked if r['per_location'] == same])
        others = [r for r in ranked if r['per_location'] != same]
        if others:
            lines.append(
                f'with other than {same} anchors a location; rpn_cls and '
                'rpn_reg of a checkpoint then do not load:'
            )
            lines += _ranked(others)
    return lines


def shapes_text(
    rows: list[Mapping[str, Any]], anchor_sides: list[float]
) -> list[str]:
    """Tell which box shapes anchors cover.

    Args:
        rows (list[Mapping]): What ``shape_coverage`` gave.
        anchor_sides (list[float]): Sides of the anchors.

    Returns:
        list[str]: Lines.
    """
    sides = ', '.join(f'{side:g}' for side in anchor_sides)
    lines = [
        f'anchors of {sides} px, boxes at random places',
        f'{"box side [px]":<15}{"aspect":>7}{"uncovered":>11}{"IoU<0.5":>9}'
        f'{"IoU<pos":>9}{"mean IoU":>9}',
    ]
    for row in rows:
        lines.append(f'{row["side"]:<15g}{row["aspect"]:>7g} {_coverage(row)}')
    return lines


def intensities_text(found: Mapping[str, Any]) -> list[str]:
    """Tell what values images hold.

    Args:
        found (Mapping[str, Any]): What ``describe_intensities`` gave.

    Returns:
        list[str]: Lines.
    """
    kinds = ', '.join(f'{n} {kind}' for kind, n in found['dtypes'].items())
    lines = [
        f'intensities of {found["sampled"]} of {found["images"]} images: '
        f'{kinds or "none"}; channels: '
        + (', '.join(f'{n} of {c}' for c, n in found['channels'].items()))
    ]
    if 'image_sizes' in found:
        lines.append(_sizes_text(found['image_sizes']))
    for dtype, points in found['by_dtype'].items():
        for name, spread in points.items():
            lines.append(
                f'  {dtype} {name:<6} least {spread["least"]:g}, median '
                f'{spread["median"]:g}, greatest {spread["greatest"]:g}'
            )
    if found['unreadable_images']:
        lines.append(
            f'{found["unreadable_images"]} of them cannot be read, such as:'
        )
        lines += [f'  {problem}' for problem in found['unreadable']]
    return lines


def _ranked(rows: list[Mapping[str, Any]]) -> list[str]:
    return [
        f'{"  scales=" + str(row["scales"]):<24}{_coverage(row)}'
        for row in rows[:_MOST_RANKED]
    ]


def _coverage(part: Mapping[str, float]) -> str:
    return (
        f'{part["uncovered"]:>10.2%}{part["below_0.5"]:>9.1%}'
        f'{part["below_pos_iou_thr"]:>9.1%}{part["mean_iou"]:>9.3f}'
    )


def _sizes_text(sizes: Mapping[str, int]) -> str:
    first = list(sizes.items())[:_MOST_SIZES]
    text = ', '.join(f'{size} ({count})' for size, count in first)
    more = len(sizes) - len(first)
    return f'image sizes: {text}' + (f' and {more} more' if more else '')


def _header(label: str) -> str:
    names = ('least', 'p5', 'p25', 'p50', 'p75', 'p95', 'p99', 'most', 'mean')
    return f'{label:<26}' + ''.join(f'{name:>8}' for name in names)


def _row(label: str, spread: Mapping[str, float]) -> str:
    if not spread:
        return f'{label:<26}{"no values":>10}'
    keys = ('p0', 'p5', 'p25', 'p50', 'p75', 'p95', 'p99', 'p100', 'mean')
    return f'{label:<26}' + ''.join(f'{spread[key]:>8.1f}' for key in keys)


def _range(edges: list[float | None]) -> str:
    low, high = edges
    return f'{low:g} to {high:g}' if high is not None else f'from {low:g}'
