"""The page of the types that configs may name."""

import re

import griffe

from docs.generators.docstring_roles import DocstringRoles
from docs.generators.repository import ROOT

PAGE = 'reference/types.md'
# Registry, and what a config does with its types.
_REGISTRIES = {
    'MODELS': ('Models', '`model` and its parts'),
    'TASK_UTILS': ('Assigners', 'in `model.train_cfg`'),
    'LOOPS': ('Loops', '`train_cfg`, `val_cfg`, `test_cfg`'),
    'HOOKS': ('Hooks', '`default_hooks` and `custom_hooks`'),
    'OPTIM_WRAPPERS': ('Optimizer wrappers', '`optim_wrapper`'),
    'OPTIM_WRAPPER_CONSTRUCTORS': (
        'Optimizer wrapper constructors',
        '`optim_wrapper.constructor`',
    ),
    'DATALOADERS': ('Data loaders', '`train_dataloader`'),
    'DATASETS': ('Data sets', '`dataset` of a data loader'),
    'DATA_SAMPLERS': ('Samplers', '`sampler` of a data loader'),
    'TRANSFORMS': ('Transforms', '`pipeline` of a data set'),
    'METRICS': ('Metrics', '`val_evaluator`, `test_evaluator`'),
    'VISUALIZERS': ('Visualizers', '`visualizer`'),
}
_REGISTERED = re.compile(
    r'(?P<registry>[A-Z_]+)\.register_module\('
    r'(?:.*?name=[\'"](?P<name>\w+)[\'"])?',
    re.DOTALL,
)


def registered_types() -> dict[str, dict[str, griffe.Object]]:
    """Find every type that the package registers, by reading it.

    Returns:
        dict[str, dict[str, griffe.Object]]: Class or function by name of the
        type, by name of the registry.

    Raises:
        KeyError: If a registry has no section on the page.
    """
    package = griffe.load(
        'cupre_mm',
        search_paths=[str(ROOT)],
        extensions=griffe.load_extensions(DocstringRoles()),
        allow_inspection=False,
        docstring_parser='google',
        docstring_options={
            'warn_missing_types': False,
            'warn_unknown_params': False,
        },
    )
    found: dict[str, dict[str, griffe.Object]] = {
        registry: {} for registry in _REGISTRIES
    }
    for one in _walk(package):
        for decorator in getattr(one, 'decorators', ()):
            match = _REGISTERED.match(str(decorator.value))
            if match:
                name = match['name'] or one.name
                found[match['registry']][name] = one
    return found


def make_pages() -> dict[str, str]:
    """Write the page.

    Returns:
        dict[str, str]: Text by path of the page.
    """
    text = [
        '# Registered types',
        '',
        'What a config may name beside the types of mmengine, mmdet, mmcv '
        "and mmpretrain, as `type='cupre_mm.X'`. No `custom_imports` is "
        'needed. Values without a default have to be given. The name of a '
        'type leads to its whole description.',
        '',
    ]
    for registry, types in registered_types().items():
        if not types:
            continue
        title, place = _REGISTRIES[registry]
        text += [f'## {title}', '', f'For {place}.', '']
        for name, one in sorted(types.items()):
            text += _section(name, one)
    return {PAGE: '\n'.join(text) + '\n'}


def _walk(module: griffe.Object) -> list[griffe.Object]:
    found = []
    for member in module.members.values():
        if member.is_alias:
            continue
        if member.is_module:
            found += _walk(member)
        elif member.is_class or member.is_function:
            found.append(member)
    return found


def _section(name: str, one: griffe.Object) -> list[str]:
    text = [f'### cupre_mm.{name}', '']
    sections = one.docstring.parsed if one.docstring else []
    for section in sections:
        if section.kind is griffe.DocstringSectionKind.text:
            text += [section.value.split('\n\n')[0], '']
            break
    table = _arguments(one)
    if table:
        text += table
    else:
        text.append(f'Arguments: those of {_bases(one)}.')
        own = _documented_base(one)
        if own is not None:
            text += ['', *_arguments(own)]
    text += ['', f'Described in [`{one.path}`][{one.path}].', '']
    return text


def _arguments(one: griffe.Object) -> list[str]:
    sections = one.docstring.parsed if one.docstring else []
    defaults = _defaults(one)
    rows = [
        _row(argument, defaults)
        for section in sections
        if section.kind is griffe.DocstringSectionKind.parameters
        for argument in section.value
    ]
    if not rows:
        return []
    return ['| argument | default | meaning |', '|---|---|---|', *rows]


def _documented_base(one: griffe.Object) -> griffe.Object | None:
    """The nearest class of this package that has arguments of its own."""
    for base in one.resolved_bases if one.is_class else ():
        base = base.final_target if base.is_alias else base
        if _arguments(base):
            return base
        found = _documented_base(base)
        if found is not None:
            return found
    return None


def _row(
    argument: griffe.DocstringParameter, defaults: dict[str, str | None]
) -> str:
    default = defaults.get(argument.name)
    shown = f'`{default}`' if default is not None else ''
    kind = f'`{argument.annotation}`. ' if argument.annotation else ''
    meaning = re.sub(r'\s+', ' ', argument.description).strip()
    cells = (f'`{argument.name}`', shown, f'{kind}{meaning}')
    return (
        f'| {" | ".join(cell.replace("|", chr(92) + "|") for cell in cells)} |'
    )


def _defaults(one: griffe.Object) -> dict[str, str | None]:
    signature = one
    if one.is_class:
        signature = one.members.get('__init__')
    if signature is None or signature.is_alias:
        return {}
    return {
        parameter.name: None
        if parameter.default is None
        else str(parameter.default)
        for parameter in signature.parameters
    }


def _bases(one: griffe.Object) -> str:
    if not one.is_class:
        return 'the function'
    return ' and '.join(f'`{base}`' for base in one.bases)
