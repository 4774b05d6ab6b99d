"""The real images of ``configs/mini/``, from the archives they come in."""

from pathlib import Path

from cupre_mm.utils.errors import MissingDataError

# Archive, tool of tools/dataset_converters, folder below the data root.
_ARCHIVES = (
    ('coco_mini.zip', 'unpack.py', 'coco_mini'),
    ('cells_unlabelled.zip', 'unpack.py', 'cells'),
    ('bbbc038_stage1_train.zip', 'bbbc038.py', 'bbbc038'),
)


def mini_data_commands(source: Path, data: Path) -> list[tuple[str, ...]]:
    """The commands that make the images of ``configs/mini/``.

    Each can be cut off and run again; what is done is not done again.

    Args:
        source (Path): Folder with the archives.
        data (Path): Root of all data.

    Returns:
        list[tuple[str, ...]]: A tool, by its path below ``tools/``, and its
        arguments.

    Raises:
        MissingDataError: If an archive does not exist.
    """
    missing = [source / name for name, *_ in _ARCHIVES]
    missing = [str(path) for path in missing if not path.is_file()]
    if missing:
        raise MissingDataError(
            f'{", ".join(missing)}: no such file. Name the folder that has '
            'it with --source of make_mini_data.py or walkthrough.py; '
            'data/README.md says what it is'
        )
    return [
        (f'dataset_converters/{tool}', str(source / name), str(data / folder))
        for name, tool, folder in _ARCHIVES
    ]
