"""Read labels in whatever form a labelling program wrote them."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cupre_mm.utils.archives import SourceTree, open_source
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.labelled_sets.coco_objects import (
    BAD_COCO,
    COCO_CASES,
    convert_annotations,
)
from cupre_mm.utils.labelled_sets.coco_source import (
    coco_items,
    read_annotations,
)
from cupre_mm.utils.labelled_sets.conversion import (
    Converted,
    LabelledSet,
    convert_set,
)
from cupre_mm.utils.labelled_sets.label_files import (
    BAD_LABELS,
    LABEL_CASES,
    LabelReading,
)
from cupre_mm.utils.labelled_sets.mask_files import (
    BAD_COMPONENTS,
    COMPONENT_CASES,
    convert_components,
)
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules
from cupre_mm.utils.labelled_sets.paired_files import PairNames
from cupre_mm.utils.labelled_sets.paired_items import pair_items
from cupre_mm.utils.own_labels.drawn_labels import (
    DRAWN_CASES,
    convert_any,
    labelled_items,
)

FORMS = ('auto', 'labels', 'binary', 'coco')
DEFAULT_CLASS = 'cell'


@dataclass(frozen=True)
class ReadLabels:
    """What was read.

    Attributes:
        form (str): ``'labels'``, ``'binary'`` or ``'coco'``.
        result (Converted): What the conversion met.
        notes (list[str]): What the user should know of it.
    """

    form: str
    result: Converted
    notes: list[str]


def read_labels(
    source: str | Path,
    out: str | Path,
    *,
    form: str = 'auto',
    class_name: str | None = None,
) -> ReadLabels:
    """Convert a labelled folder to COCO json; done images are not redone.

    Args:
        source (str | Path): Folder or zip: label images (``x.tif`` beside
            ``x_masks.tif``, or parallel folders ``images`` and ``labels``),
            regions of ImageJ (``x.zip``) or ``x_seg.npy`` of Cellpose where
            there is no label image, binary masks in the same places, or a
            COCO json and its images.
        out (str | Path): Folder to write ``images/`` and
            ``annotations/instances.json`` into.
        form (str): One of :data:`FORMS`. ``'auto'`` takes a json where
            there is no pair of image and label, and takes label images that
            mostly have one number for several pieces for binary masks.
            Defaults to ``'auto'``.
        class_name (str, optional): Name of the one class. Defaults to None:
            ``'cell'``, or the categories of a COCO json.

    Returns:
        ReadLabels: What was read.

    Raises:
        MissingDataError: If the source does not exist.
        BadDataError: If it holds no labels, or some that cannot be used.
        BadConfigError: If ``form`` is unknown.
    """
    if form not in FORMS:
        raise BadConfigError(
            f'the form of labels must be one of {", ".join(FORMS)}, got '
            f'{form!r}'
        )
    chosen = _form_of(source) if form == 'auto' else form
    # In this process: others take longer to start than labels to read.
    rules = ObjectRules()
    name = class_name or DEFAULT_CLASS
    finds = {
        'labels': partial(_find_labels, rules=rules, class_name=name),
        'binary': partial(_find_binary, rules=rules, class_name=name),
        'coco': partial(_find_coco, rules=rules, class_name=class_name),
    }
    result = convert_set(source, out, finds[chosen], rules=rules)
    notes = []
    single = len(result.cases.get('single_labels', ()))
    if chosen == 'labels' and 2 * single > result.images:
        if form == 'labels':
            notes.append(
                f'{single} of {result.images} label images have one number '
                'for several separate pieces; if they are binary masks, say '
                '--labels-are binary'
            )
        else:
            notes.append(
                f'{single} of {result.images} label images have one number '
                'for several separate pieces: they are taken for binary '
                'masks, each connected piece for one cell. Cells that touch '
                'became one; export label images to avoid that, or say '
                '--labels-are labels if each image does show one cell in '
                'pieces'
            )
            chosen = 'binary'
            result = convert_set(source, out, finds[chosen], rules=rules)
    for kind, places in result.cases.items():
        if places:
            notes.append(
                f'{len(places)} {result.meanings[kind]}, first {places[0]}'
            )
    return ReadLabels(chosen, result, notes)


def _form_of(source: str | Path) -> str:
    with open_source(source, 'give the folder of your labelled images') as t:
        has_json = any(name.lower().endswith('.json') for name in t.names)
        try:
            labelled_items(t, PairNames())
        except BadDataError:
            if has_json:
                return 'coco'
            raise
    return 'labels'


def _find_labels(
    tree: SourceTree, rules: ObjectRules, class_name: str
) -> LabelledSet:
    reading = LabelReading()
    items, found, meanings = labelled_items(
        tree, PairNames(), rules.as_dict(), vars(reading)
    )
    return LabelledSet(
        items,
        partial(convert_any, reading=reading),
        [{'id': 1, 'name': class_name}],
        {**LABEL_CASES, **DRAWN_CASES, **meanings},
        bad=tuple(BAD_LABELS),
        found=found,
    )


def _find_binary(
    tree: SourceTree, rules: ObjectRules, class_name: str
) -> LabelledSet:
    items, found, meanings = pair_items(
        tree, PairNames(), 'skip', rules.as_dict(), 'binary'
    )
    return LabelledSet(
        items,
        partial(convert_components, threshold=0),
        [{'id': 1, 'name': class_name}],
        {**COMPONENT_CASES, **meanings},
        bad=tuple(BAD_COMPONENTS),
        found=found,
    )


def _find_coco(
    tree: SourceTree, rules: ObjectRules, class_name: str | None
) -> LabelledSet:
    coco = read_annotations(tree, None)
    old = coco['categories']
    if class_name is None:
        ids = {one['id']: place for place, one in enumerate(old, 1)}
        categories = [
            {'id': ids[one['id']], 'name': one['name']} for one in old
        ]
    else:
        ids = {one['id']: 1 for one in old}
        categories = [{'id': 1, 'name': class_name}]
    items, found = coco_items(tree, coco, ids, '', rules.as_dict(), 'keep')
    return LabelledSet(
        items,
        partial(convert_annotations, crowds='keep'),
        categories,
        {**COCO_CASES, 'crowds': 'crowd annotations, kept'},
        bad=tuple(BAD_COCO),
        found=found,
    )
