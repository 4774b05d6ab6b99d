"""Which labelled images a fine-tuning trains on, and which are held out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cupre_mm.utils.coco_json import read_coco, write_json
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.few_shot import SplitRecipe, write_splits
from cupre_mm.utils.own_labels.image_cutting import cut_in_two

# From this many labelled images on, a test part is held out as well.
TEST_FROM = 10
CUT_UP_TO = 2
_SHARE = 0.2
LEAST_CELLS = 10
# What the splits' image files are relative to.
WHOLE, CUT = 'images', 'parts'


@dataclass(frozen=True)
class HeldOut:
    """The parts of a labelled set.

    Attributes:
        rule (str): How they were made, for people.
        images (str): Folder of the images under the data folder.
        train (str): Annotations that are trained on, under the data folder.
        val (str): Those that the best checkpoint is chosen on.
        test (str, optional): Those that nothing is chosen on.
        counts (dict[str, tuple[int, int]]): Images and cells of each part.
    """

    rule: str
    images: str
    train: str
    val: str
    test: str | None
    counts: dict[str, tuple[int, int]]

    @property
    def report(self) -> str:
        """Annotations that the final scores are of."""
        return self.test or self.val


def hold_out(data: Path, seed: int = 0, group: str | None = None) -> HeldOut:
    """Split a converted set, by images where there are three or more.

    With ten images or more, a fifth is the test part and a fifth of the rest
    chooses the checkpoint; with three to nine a fifth, at least one, chooses
    it and there is no test part; one or two are cut across, and the part
    with the last quarter of the cells of each chooses it. Images without a
    cell are trained on only.

    Args:
        data (Path): Folder with ``images/`` and
            ``annotations/instances.json``.
        seed (int): Which images are held out. Defaults to 0.
        group (str, optional): Images that must stay together, see
            :class:`~cupre_mm.utils.few_shot.SplitRecipe`. Defaults to None.

    Returns:
        HeldOut: The parts; their files are in ``data/splits``.

    Raises:
        BadDataError: If there are too few cells, or a part has none.
    """
    instances = data / 'annotations' / 'instances.json'
    coco, _ = read_coco(instances)
    cells = [one for one in coco['annotations'] if not one.get('iscrowd')]
    labelled = {one['image_id'] for one in cells}
    if len(cells) < LEAST_CELLS:
        raise BadDataError(
            f'{len(cells)} labelled cells in {len(coco["images"])} image(s) '
            f'are too few to learn from: label {LEAST_CELLS} at the very '
            'least, better some hundreds in several images'
        )
    splits = data / 'splits'
    if len(labelled) <= CUT_UP_TO:
        train, val = cut_in_two(coco, data / WHOLE, data / CUT)
        # A plain split's manifest would vouch for these.
        write_json(splits / 'train.json', train)
        write_json(splits / 'val.json', val)
        rule = (
            f'{len(labelled)} image(s) with cells, so each is cut across its '
            'longer side where about the last quarter of its cells begins; '
            'that part chooses the checkpoint, no pixel of it is trained on. '
            'There is no test part: label three images or more for one '
            'image to be held out, ten for a test part'
        )
        return _held_out(data, CUT, rule, 'splits/train.json', None)
    count = len(coco['images'])
    with_test = len(labelled) >= TEST_FROM
    recipe = SplitRecipe(
        fractions=(100,),
        seed=seed,
        test_seed=seed,
        test_fraction=_SHARE if with_test else 0,
        val_fraction=_SHARE,
        balance='instances',
        group=group,
    )
    write_splits(instances, splits, recipe)
    by = f' (images of one {group} stay together)' if group else ''
    if with_test:
        rule = (
            f'{count} images: a fifth is the test part, a fifth of the rest '
            f'chooses the checkpoint{by}; nothing is chosen on the test part'
        )
    else:
        rule = (
            f'{count} images: a fifth, at least one, chooses the checkpoint'
            f'{by}. There is no test part, which takes {TEST_FROM} images '
            'with cells: the scores are of the part that the checkpoint was '
            'chosen on, and so a little too good'
        )
    return _held_out(
        data,
        WHOLE,
        rule,
        'splits/train_100.json',
        'splits/test.json' if with_test else None,
    )


def _held_out(
    data: Path, images: str, rule: str, train: str, test: str | None
) -> HeldOut:
    val = 'splits/val.json'
    counts: dict[str, tuple[int, int]] = {}
    for name, file in (('train', train), ('val', val), ('test', test)):
        if file is None:
            continue
        part: dict[str, Any] = read_coco(data / file)[0]
        cells = sum(not one.get('iscrowd') for one in part['annotations'])
        counts[name] = (len(part['images']), cells)
        if not cells:
            raise BadDataError(
                f'the {name} part has {len(part["images"])} image(s) and no '
                'cell in them: label more images, or choose another --seed'
            )
    return HeldOut(rule, images, train, val, test, counts)
