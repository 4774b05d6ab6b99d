"""Build step of the wheel: configs and tools as ``cupre_mm/.mim``.

mim looks for ``configs`` and ``tools`` in the ``.mim`` folder of an installed
package. A link of that name in the source tree would do for a wheel, but
onedl-mim searches the whole checkout of an editable install, follows links
and refuses a config that it finds twice. So the folder exists only in what is
built.
"""

import os

from setuptools.command.build_py import build_py

RESOURCES = ('configs', 'tools')


class BuildWithMim(build_py):
    """setuptools' ``build_py`` that adds the folders which mim reads."""

    def run(self) -> None:
        """Copy the modules, then the resources, into the build folder."""
        super().run()
        if not self.editable_mode:
            for source, target in self._resource_files():
                os.makedirs(os.path.dirname(target), exist_ok=True)
                self.copy_file(source, target, preserve_mode=True)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """List every file that the build makes, resources included."""
        outputs = super().get_outputs(include_bytecode)
        if not self.editable_mode:
            outputs += [target for _, target in self._resource_files()]
        return outputs

    def _resource_files(self) -> list[tuple[str, str]]:
        """Pair each resource file with its place in the build folder."""
        mim = os.path.join(self.build_lib, 'cupre_mm', '.mim')
        pairs = []
        for folder in RESOURCES:
            for parent, folders, files in os.walk(folder):
                folders[:] = sorted(set(folders) - {'__pycache__'})
                pairs += [
                    (
                        os.path.join(parent, name),
                        os.path.join(mim, parent, name),
                    )
                    for name in sorted(files)
                    if not name.endswith('.pyc')
                ]
        return pairs
