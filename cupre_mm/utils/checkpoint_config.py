"""What the config in a checkpoint says of the training."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TrainingFacts:
    """What a model was trained on.

    Attributes:
        model (str): Class of the model, ``''`` where it is not told.
            Defaults to ``''``.
        data (tuple[str, ...]): Annotation files, folders of unlabelled
            images, and the weights that training started from. Defaults to
            ().
    """

    model: str = ''
    data: tuple[str, ...] = ()


def training_facts(text: str) -> TrainingFacts:
    """Read the text that mmengine keeps of a config, and run none of it.

    Args:
        text (str): ``meta['cfg']`` of a checkpoint.

    Returns:
        TrainingFacts: What it tells; nothing if it is no such text.
    """
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return TrainingFacts()
    config = {
        one.targets[0].id: _value(one.value)
        for one in body
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
    }
    model = config.get('model')
    kind = model.get('type') if isinstance(model, dict) else None
    root = config.get('data_root')
    found = list(_data(config.get('train_dataloader'), root))
    if config.get('load_from'):
        found.append(f'weights of {config["load_from"]}')
    return TrainingFacts(str(kind or ''), tuple(dict.fromkeys(found)))


def _value(node: ast.expr) -> Any:
    """A literal, with dict(key=value); None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(one) for one in node.elts]
    if isinstance(node, ast.Dict):
        return {
            key.value: _value(value)
            for key, value in zip(node.keys, node.values)
            if isinstance(key, ast.Constant)
        }
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == 'dict'
    ):
        return {one.arg: _value(one.value) for one in node.keywords}
    return None


def _data(value: Any, root: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        root = value.get('data_root') or root
        if isinstance(value.get('ann_file'), str):
            yield _below(root, value['ann_file'])
        for source in value.get('sources') or ():
            if isinstance(source, Mapping):
                paths = source.get('paths') or source.get('name')
                for path in paths if isinstance(paths, list) else [paths]:
                    yield _below(root, path)
        for key, one in value.items():
            if key != 'sources':
                yield from _data(one, root)
    elif isinstance(value, list):
        for one in value:
            yield from _data(one, root)


def _below(root: Any, path: Any) -> str:
    root, path = str(root or ''), str(path)
    if not root or path.startswith('/') or '://' in path:
        return path
    return f'{root.rstrip("/")}/{path}'
