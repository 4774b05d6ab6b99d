"""Predictions of any arm, scored by a peer's own metric."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.file_checksums import sha256_of
from cupre_mm.utils.prediction_files import read_predictions

from ..coco_annotations import shorten
from .label_sets import LabelSet, write_labels
from .peer_environment import PeerEnvironment, relative
from .peer_predictions import to_labels


def score_by_peer(
    predictions: Path,
    truth: LabelSet,
    environment: PeerEnvironment,
    root: Path,
) -> dict[str, Any]:
    """Score a file of predictions by the peer's own metric.

    The predictions become label images as for the cell scores: a score of
    0.5 or more, the best-scored in front. So both sides are scored on the
    same kind of result.

    Args:
        predictions (Path): File of ``tools/test.py --out``.
        truth (LabelSet): The test part.
        environment (PeerEnvironment): The peer.
        root (Path): Work dir of the benchmark; ``truth`` lies in it.

    Returns:
        dict: The peer's scores as shares, its ``counts`` if it gives any,
        ``versions`` of its environment and the checksums
        ``predictions_sha256`` and ``test_sha256``.

    Raises:
        BadDataError: If the predictions are of other images.
    """
    samples = {one['img_id']: one for one in read_predictions(predictions)}
    _check_images(samples, truth, predictions)
    with tempfile.TemporaryDirectory(dir=root, prefix='.own_scores') as folder:
        found = []
        for entry in truth.entries:
            path = Path(folder) / f'{entry["id"]}_found.tif'
            write_labels(path, to_labels(samples[entry['id']]))
            found.append(relative(path, root))
        result = environment.run(
            'score',
            {
                'truth': [relative(path, root) for path in truth.labels],
                'found': found,
            },
            Path(folder),
            root,
        )
    return {
        **result['own_metrics'],
        'versions': result['versions'],
        **checksums(predictions, truth),
    }


def checksums(predictions: Path, truth: LabelSet) -> dict[str, str]:
    """Say what a score is of.

    Args:
        predictions (Path): File of ``tools/test.py --out``.
        truth (LabelSet): The test part.

    Returns:
        dict[str, str]: ``predictions_sha256`` and ``test_sha256``.
    """
    return {
        'predictions_sha256': sha256_of(predictions),
        'test_sha256': truth.record['sha256'],
    }


def _check_images(
    known: Sequence[Any], truth: LabelSet, predictions: Path
) -> None:
    wanted = {entry['id'] for entry in truth.entries}
    if wanted != set(known):
        raise BadDataError(
            f'{predictions} and {truth.record["file"]} are not of the same '
            f'images: {shorten(sorted(wanted - set(known)))} were not '
            f'predicted, {shorten(sorted(set(known) - wanted))} are not in '
            'the test part'
        )
