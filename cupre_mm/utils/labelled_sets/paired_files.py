"""Which label image belongs to which image, told from folders and names."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.microscopy_io import IMAGE_EXTENSIONS

# What Cellpose writes beside its masks, and is neither image nor label.
_SIDE_FILES = ('_flows', '_cp_output', '_cp_outlines', '_outlines')


@dataclass(frozen=True)
class PairNames:
    """How images and labels are named; the defaults know the usual ones.

    A file is a label if its name without extension ends with one of
    ``mask_suffixes`` or one of its folders is called like one of
    ``mask_folders``; the other image files are images. A pair has the same
    folders but for the innermost that is called like one of ``image_folders``
    or ``mask_folders``, and the same name without extension and suffixes.
    Folders are compared without regard to case.

    Attributes:
        image_suffixes (tuple[str]): May end the name of an image.
        mask_suffixes (tuple[str]): End the name of a label, the longest that
            fits counting.
        image_folders (tuple[str]): Folders of images, at any depth.
        mask_folders (tuple[str]): Folders of labels, at any depth.
    """

    image_suffixes: tuple[str, ...] = ('_img', '_image')
    mask_suffixes: tuple[str, ...] = (
        '_masks',
        '_cp_masks',
        '_mask',
        '_labels',
        '_label',
    )
    image_folders: tuple[str, ...] = ('images', 'image', 'imgs', 'img')
    mask_folders: tuple[str, ...] = (
        'masks',
        'mask',
        'labels',
        'label',
        'groundtruth',
        'ground_truth',
        'gt',
    )

    def place(self, file: str) -> tuple[bool, str, str]:
        """Tell image from label, and what both have in common.

        Args:
            file (str): A file of the source.

        Returns:
            tuple[bool, str, str]: Whether it is a label; the key that it
            shares with its partner; its folders but for that of its kind.
        """
        path = PurePosixPath(file)
        folders = path.parts[:-1]
        kind, place = self.kind_of(folders)
        if kind:
            folders = folders[:place] + folders[place + 1 :]
        is_label = kind == 'mask' or bool(
            _ends_with(path.stem, self.mask_suffixes)
        )
        return (
            is_label,
            '/'.join((*folders, self.bare_stem(file))),
            '/'.join(folders),
        )

    def kind_of(self, folders: tuple[str, ...]) -> tuple[str | None, int]:
        """Find the innermost folder that says what its files are.

        Args:
            folders (tuple[str]): The folders of a file, outermost first.

        Returns:
            tuple[str | None, int]: ``'image'`` or ``'mask'`` and the place
            of that folder, or None and 0.
        """
        kinds = {
            **{name.lower(): 'image' for name in self.image_folders},
            **{name.lower(): 'mask' for name in self.mask_folders},
        }
        for place in reversed(range(len(folders))):
            kind = kinds.get(folders[place].lower())
            if kind:
                return kind, place
        return None, 0

    def bare_stem(self, file: str) -> str:
        """A file's name without folders, extension and suffixes.

        Args:
            file (str): A file of the source.
        """
        stem = PurePosixPath(file).stem
        for suffixes in (self.mask_suffixes, self.image_suffixes):
            stem = stem[: len(stem) - len(_ends_with(stem, suffixes))]
        return stem


@dataclass
class PairedFiles:
    """Files of a source, sorted out.

    Attributes:
        pairs (dict[str, tuple[str, str]]): Image and label, by key, sorted.
        images_without (dict[str, str]): Images without a label, by key.
        labels_without (list[str]): Labels without an image.
        ignored (list[str]): Files that are neither.
    """

    pairs: dict[str, tuple[str, str]] = field(default_factory=dict)
    images_without: dict[str, str] = field(default_factory=dict)
    labels_without: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def pair_files(tree: SourceTree, names: PairNames) -> PairedFiles:
    """Pair images with labels.

    Args:
        tree (SourceTree): The source.
        names (PairNames): How they are named.

    Returns:
        PairedFiles: What was found.

    Raises:
        BadDataError: If there is no pair, or two images or two labels have
            one key.
    """
    found = PairedFiles()
    images: dict[str, list[str]] = defaultdict(list)
    labels: dict[str, list[str]] = defaultdict(list)
    for file in tree.names:
        if not is_visible_image(file) or PurePosixPath(file).stem.endswith(
            _SIDE_FILES
        ):
            found.ignored.append(file)
            continue
        is_label, key, _ = names.place(file)
        (labels if is_label else images)[key].append(file)
    _refuse_twins(tree, images, 'images', 'the images')
    _refuse_twins(tree, labels, 'labels', 'the labels of one image')
    for key in sorted(images):
        if key in labels:
            found.pairs[key] = (images[key][0], labels[key][0])
        else:
            found.images_without[key] = images[key][0]
    found.labels_without = sorted(
        files[0] for key, files in labels.items() if key not in images
    )
    if not found.pairs:
        raise BadDataError(_no_pair(tree, found, names))
    return found


def is_visible_image(file: str) -> bool:
    """Whether a file is named like an image and not hidden.

    Args:
        file (str): A file of the source.
    """
    path = PurePosixPath(file)
    # Archives made on a Mac carry a shadow folder of file attributes.
    hidden = any(part.startswith(('.', '__MACOSX')) for part in path.parts)
    return not hidden and path.suffix.lower() in IMAGE_EXTENSIONS


def _ends_with(stem: str, suffixes: tuple[str, ...]) -> str:
    """The longest suffix that the stem ends with, or ''."""
    return max(filter(stem.endswith, suffixes), key=len, default='')


def _refuse_twins(
    tree: SourceTree, files: dict[str, list[str]], kind: str, what: str
) -> None:
    twins = [sorted(group) for group in files.values() if len(group) > 1]
    if twins:
        raise BadDataError(
            f'{tree.path}: {what} cannot be told apart, as '
            f'{len(twins)} name(s) occur more than once, first '
            f'{", ".join(min(twins))}; name the {kind} you mean with '
            '--image-suffix, --mask-suffix, --images-folder and '
            '--masks-folder, or pass a folder that has them alone'
        )


def _no_pair(tree: SourceTree, found: PairedFiles, names: PairNames) -> str:
    counts = [
        f'{len(files)} {kind}(s)' + (f', first {files[0]}' if files else '')
        for kind, files in (
            ('image', list(found.images_without.values())),
            ('label', found.labels_without),
        )
    ]
    return (
        f'{tree.path} has no image with a label of its name: '
        f'{", ".join(counts)}. Labels are files whose names end with '
        f'{", ".join(names.mask_suffixes) or "(no suffix)"} or that lie in a '
        f'folder {", ".join(names.mask_folders) or "(none)"}; say otherwise '
        'with --mask-suffix, --image-suffix, --masks-folder and '
        '--images-folder'
    )
