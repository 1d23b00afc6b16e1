"""What building a wheel adds: the kernels of this folder, compiled for kinds of processors.

pyproject.toml names the commands. setuptools loads this file by its path, without our packages.
"""

import os
import platform
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

PLACE, LIBRARIES = "condensers/networks/fused", "kernels-*.so"


class BuildWithKernels(build_py):  # type: ignore[misc]
    """Copies the packages, then compiles the kernels beside them where there is a compiler."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            self._compile(Path(self.build_lib) / PLACE)

    def _compile(self, folder: Path) -> None:
        for old in folder.glob(LIBRARIES):
            old.unlink()  # an earlier build's, perhaps of other sources
        compiler = _load_compiler()
        try:
            if os.environ.get("HARNESS_FUSED") == "off":
                raise compiler.NoLibrary("HARNESS_FUSED is off")
            found = compiler.find_compiler()
            for variant in compiler.variants(platform.machine()):
                target = folder / compiler.library_file(variant)
                compiler.compile_library(found, target, [variant.options])
        except compiler.NoLibrary as fault:
            for made in folder.glob(LIBRARIES):
                made.unlink()  # all or none: the tag promises them
            self.warn(f"the wheel carries no compiled kernels: {fault}")


class WheelWithKernels(bdist_wheel):  # type: ignore[misc]
    """A wheel of this platform where kernels were compiled, of any where not; of all Pythons."""

    def run(self) -> None:
        self.run_command("build")  # what it compiles decides about the tag
        built = Path(self.get_finalized_command("build_py").build_lib)
        compiled = any(built.rglob(LIBRARIES))
        self.root_is_pure = not compiled
        # Decides where setuptools puts our packages: at the top of either kind of wheel.
        self.distribution.has_ext_modules = lambda: compiled
        super().run()

    def get_tag(self) -> tuple[str, str, str]:
        return (self.python_tag, "none", super().get_tag()[2])


def _load_compiler() -> ModuleType:
    spec = spec_from_file_location("kernel_compiler", Path(__file__).with_name("compiler.py"))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
