"""SQL statements that are compiled once and then passed to the driver as text, for those run very often."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

Processor = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class PreparedStatement:
    """A statement compiled for one dialect. Errors are raised as from any other SQLAlchemy statement."""

    text: str
    parameters: tuple[str, ...]  # parameter names in positional order; empty where the driver takes names
    defaults: Mapping[str, Any]  # parameters with a fixed value
    processors: Mapping[str, Processor]  # convert a parameter's value to what the driver takes

    @classmethod
    def compile(
        cls, statement: sa.Insert | sa.Update | sa.Delete | sa.TextClause, dialect: sa.Dialect
    ) -> "PreparedStatement":
        """Compile a statement for a dialect."""
        compiled = statement.compile(dialect=dialect)
        processors = {
            name: processor
            for name, bind in compiled.binds.items()
            if (processor := bind.type.dialect_impl(dialect).bind_processor(dialect))
        }
        defaults = {
            name: processors[name](value) if name in processors and value is not None else value
            for name, value in compiled.params.items()
        }
        return cls(str(compiled), tuple(compiled.positiontup or ()), defaults, processors)

    def execute(self, connection: sa.Connection, **values: object) -> sa.CursorResult[Any]:
        """Execute with these parameters; one that is not given is NULL."""
        return connection.exec_driver_sql(self.text, self._bind(values))

    def execute_many(self, connection: sa.Connection, rows: Iterable[Mapping[str, object]]) -> None:
        """Execute once per set of parameters."""
        connection.exec_driver_sql(self.text, [self._bind(row) for row in rows])

    def _bind(self, values: Mapping[str, object]) -> Any:
        bound = {**self.defaults, **values}
        for name, processor in self.processors.items():
            if name in values and values[name] is not None:
                bound[name] = processor(values[name])
        return tuple([bound[name] for name in self.parameters]) if self.parameters else bound
