"""No source of the project runs text that comes from outside."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path
    for folder in ('cupre_mm', 'tools', 'configs')
    for path in (ROOT / folder).rglob('*.py')
)
NEVER = {
    'eval',
    'exec',
    'os.system',
    'os.popen',
    'subprocess.getoutput',
    'subprocess.getstatusoutput',
    'pickle.load',
    'pickle.loads',
    'pickle.Unpickler',
    'marshal.loads',
    'shelve.open',
    'yaml.full_load',
    'yaml.unsafe_load',
    'joblib.load',
    'shutil.unpack_archive',
}
# Those that wrap what is dangerous and allow a list of types only.
OWNERS = {
    'torch.load': {
        'cupre_mm/utils/invalid_loss_dump.py',
        'cupre_mm/utils/safe_load.py',
    },
    'pickle.Unpickler': {
        'cupre_mm/utils/prediction_files.py',
        'cupre_mm/utils/own_labels/cellpose_files.py',
    },
}


def faults_of(tree: ast.AST, path: str) -> Iterator[str]:
    """What a source does that could run a stranger's text or file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            names = [ast.unparse(base) for base in node.bases]
        elif isinstance(node, ast.Call):
            names = [ast.unparse(node.func)]
        else:
            continue
        for name in names:
            if name in NEVER and path not in OWNERS.get(name, ()):
                yield f'{path}:{node.lineno}: {name}'
        if not isinstance(node, ast.Call):
            continue
        options = {key.arg: ast.unparse(key.value) for key in node.keywords}
        if options.get('shell', 'False') != 'False':
            yield f'{path}:{node.lineno}: shell={options["shell"]}'
        if options.get('allow_pickle', 'False') != 'False':
            yield f'{path}:{node.lineno}: allow_pickle'
        if name == 'yaml.load' and options.get('Loader') != '_Loader':
            yield f'{path}:{node.lineno}: yaml.load without a safe loader'
        if (
            name == 'torch.load'
            and path not in OWNERS[name]
            and options.get('weights_only') != 'True'
        ):
            yield f'{path}:{node.lineno}: torch.load without weights_only'
        if name.endswith(('.extractall', '.extract')):
            yield f'{path}:{node.lineno}: {name}, which takes any path'


def test_no_source_runs_what_it_reads():
    assert len(SOURCES) > 100
    faults = []
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding='utf-8'))
        faults += faults_of(tree, path.relative_to(ROOT).as_posix())
    assert faults == []


@pytest.mark.parametrize(
    'text',
    [
        'subprocess.run(f"rm {name}", shell=True)',
        'os.system("x")',
        'eval(text)',
        'pickle.loads(data)',
        'class A(pickle.Unpickler): pass',
        'yaml.load(text, Loader=yaml.Loader)',
        'torch.load(path)',
        'torch.load(path, weights_only=False)',
        'np.load(path, allow_pickle=True)',
        'archive.extractall(folder)',
    ],
)
def test_each_of_these_is_found(text):
    assert list(faults_of(ast.parse(text), 'a.py'))
