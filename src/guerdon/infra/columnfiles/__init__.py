"""Files of columns that Guerdon writes itself and reads again."""

from guerdon.infra.columnfiles.door import ColumnFile, open_columns, write_columns
from guerdon.infra.columnfiles.kinds import Column, Kind

__all__ = ["Column", "ColumnFile", "Kind", "open_columns", "write_columns"]
