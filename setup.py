"""What pyproject.toml can't say: configs/ is installed as a part of the package."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["synthmed_jax*"]), "synthmed_jax.configs"],
    package_dir={"synthmed_jax.configs": "configs"},
)
