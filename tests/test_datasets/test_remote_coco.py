"""CheckedCocoDataset on files that mmengine fetches from elsewhere."""

from contextlib import contextmanager
from pathlib import Path

from mmengine.fileio import BaseStorageBackend, register_backend

from tests.coco_folder import build_dataset, cell, coco, write_folder


class _Vault(BaseStorageBackend):
    """Files that lie elsewhere, with a local folder in their stead."""

    def get(self, filepath):
        return Path(filepath).read_bytes()

    def get_text(self, filepath):
        return Path(filepath).read_text()

    @contextmanager
    def get_local_path(self, filepath):
        path = Path(filepath).with_suffix('.fetched')
        path.write_bytes(self.get(filepath))
        yield str(path)
        path.unlink()


def test_remote_files_are_read_and_cached_for_the_user(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'home'))
    register_backend('vault', _Vault, force=True)
    write_folder(tmp_path, coco([cell(1)]))
    (tmp_path / 'images/a.tif').unlink()
    for _ in range(2):
        dataset = build_dataset(
            tmp_path,
            backend_args=dict(backend='vault'),
            cache=True,
            pipeline=[],
        )
        assert len(dataset[0]['instances']) == 1
    assert len(list((tmp_path / 'home').rglob('*.packed'))) == 1
    assert not (tmp_path / '.cupre_cache').exists()
