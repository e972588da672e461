"""Mapping files: rows of CSV and Parquet become the events of api.md."""

from guerdon.connect.imports.mapping.load import load_mapping
from guerdon.connect.imports.mapping.model import MappingFile
from guerdon.connect.imports.mapping.writing import map_files

__all__ = ["MappingFile", "load_mapping", "map_files"]
