"""What an archive may hold: names that stay inside, sizes that are bounded.

Used for every entry before anything is unpacked. The limits are generous to
real data (COCO's train2017.zip holds 118,287 files and 19 GB, hardly
compressed) and can be raised by environment variables.
"""

import os
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cupre_mm.utils.errors import BadConfigError, BadDataError

MAX_GIB = 'CUPRE_ARCHIVE_MAX_GIB'
MAX_ENTRIES = 'CUPRE_ARCHIVE_MAX_ENTRIES'
MAX_RATIO = 'CUPRE_ARCHIVE_MAX_RATIO'
# Blank masks compress a thousandfold; up to here that does no harm.
RATIO_FREE_BYTES = 64 << 20
# Folders within folders.
MAX_DEPTH = 32
# What decoders are given at once; larger files are only copied in parts.
MAX_BYTES_IN_MEMORY = 4 << 30
_ADVICE = (
    'Take the archive from its original site, or unpack it yourself and pass '
    'the folder'
)


@dataclass(frozen=True)
class ArchiveLimits:
    """How much an archive may hold.

    Attributes:
        max_bytes (int): Of all its files, unpacked. Defaults to 200 GiB.
        max_entries (int): Files and folders. Defaults to 1,000,000.
        max_ratio (float): Bytes unpacked over bytes packed, of one entry and
            of the whole archive, where they are more than
            :data:`RATIO_FREE_BYTES`. Defaults to 200.
    """

    max_bytes: int = 200 << 30
    max_entries: int = 1_000_000
    max_ratio: float = 200.0

    @classmethod
    def from_environment(cls) -> 'ArchiveLimits':
        """The limits, as far as environment variables do not change them.

        Returns:
            ArchiveLimits: Of ``CUPRE_ARCHIVE_MAX_GIB``,
            ``CUPRE_ARCHIVE_MAX_ENTRIES`` and ``CUPRE_ARCHIVE_MAX_RATIO``.

        Raises:
            BadConfigError: If one of them is not a positive number.
        """
        return cls(
            int(_number(MAX_GIB, cls.max_bytes / 2**30) * 2**30),
            int(_number(MAX_ENTRIES, cls.max_entries)),
            _number(MAX_RATIO, cls.max_ratio),
        )


class EntryCheck:
    """Checks the entries of one archive, one after another.

    Two names that differ in upper and lower case only, or in the Unicode
    form of a letter, are refused on every system: on some the second file
    would replace the first.

    Args:
        archive (Path): Named in messages.
        limits (ArchiveLimits): What it may hold.
    """

    def __init__(self, archive: Path, limits: ArchiveLimits) -> None:
        self._archive = archive
        self._limits = limits
        self._packed = archive.stat().st_size
        self._entries = self._bytes = 0
        self._files: dict[str, str] = {}
        self._folders: set[str] = set()

    def add(self, name: str, size: int, packed: int, folder: bool) -> None:
        """Check one more entry.

        Args:
            name (str): As the archive has it.
            size (int): Bytes, unpacked.
            packed (int): Bytes that it takes in the archive.
            folder (bool): Whether it is a folder.

        Raises:
            BadDataError: If the archive is refused.
        """
        self._entries += 1
        if self._entries > self._limits.max_entries:
            raise self._refused(
                f'it has more than {self._limits.max_entries} entries',
                f'raise {MAX_ENTRIES} if it is what you expect',
            )
        if reason := _fault_of_name(name):
            raise self._refused(f'its entry {name!r} {reason}')
        self._check_collisions(str(PurePosixPath(name)), folder)
        self.check_ratio(size, packed, f'its entry {name!r}')
        self._bytes += size
        if self._bytes > self._limits.max_bytes:
            raise self._refused(
                f'its files take more than {_gib(self._limits.max_bytes)} '
                'unpacked',
                f'raise {MAX_GIB} if it is what you expect',
            )
        self.check_ratio(self._bytes, self._packed, 'it')

    def check_ratio(self, size: int, packed: int, what: str) -> None:
        """Refuse what is packed tighter than data can be.

        Args:
            size (int): Bytes, unpacked.
            packed (int): Bytes, packed.
            what (str): Named in the message.

        Raises:
            BadDataError: If the ratio is above the limit.
        """
        allowed = max(packed, 1) * self._limits.max_ratio
        if size > RATIO_FREE_BYTES and size > allowed:
            raise self._refused(
                f'{what} would grow from {packed} to {size} bytes, more than '
                f'{self._limits.max_ratio:g} times: a decompression bomb',
                f'raise {MAX_RATIO} if it is what you expect',
            )

    def refuse(self, name: str, reason: str) -> BadDataError:
        """Say why an entry is refused.

        Args:
            name (str): The entry.
            reason (str): Goes on where 'its entry NAME' ends.

        Returns:
            BadDataError: To be raised.
        """
        return self._refused(f'its entry {name!r} {reason}')

    def _check_collisions(self, path: str, folder: bool) -> None:
        key = unicodedata.normalize('NFC', path).casefold()
        places = [i for i, letter in enumerate(key) if letter == '/']
        folders = [key[:place] for place in places]
        if folder:
            folders.append(key)
        elif key in self._files:
            other = self._files[key]
            raise self._refused(
                f'it holds {path!r} twice'
                if other == path
                else f'its entries {other!r} and {path!r} are one file on '
                'some systems'
            )
        else:
            self._files[key] = path
        self._folders.update(folders)
        for clash in (key, *folders):
            if clash in self._files and clash in self._folders:
                raise self._refused(
                    f'{self._files[clash]!r} is a file and a folder in it'
                )

    def _refused(self, reason: str, advice: str = _ADVICE) -> BadDataError:
        return BadDataError(f'{self._archive} is refused: {reason}. {advice}')


def check_free_space(folder: Path, needed: int) -> None:
    """Make sure that a disk can take what is to be unpacked.

    Args:
        folder (Path): Where to; may not exist yet.
        needed (int): Bytes.

    Raises:
        BadDataError: If there is less space than that.
    """
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed > free:
        raise BadDataError(
            f'unpacking takes {_gib(needed)}, but only {_gib(free)} are free '
            f'on the disk of {folder}; make room or choose another folder'
        )


def _fault_of_name(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or '..' in path.parts:
        return 'points outside the folder it would be unpacked into'
    if '\\' in name or ':' in name:
        return 'has a backslash or a colon, which some systems take as path'
    if not path.parts:
        return 'has no name'
    kinds = {unicodedata.category(letter) for letter in name}
    if kinds & {'Cc', 'Cs'}:
        return 'has control characters, or a name that is not UTF-8'
    if len(path.parts) > MAX_DEPTH:
        return f'lies more than {MAX_DEPTH} folders deep'
    return ''


def _gib(size: float) -> str:
    return f'{size / 2**30:.3g} GiB'


def _number(variable: str, default: float) -> float:
    text = os.environ.get(variable)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float('inf'):
        raise BadConfigError(f'{variable}={text!r} is not a positive number')
    return value
