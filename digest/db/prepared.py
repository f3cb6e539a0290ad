"""How is a statement run a hundred thousand times? Spelt out once, then given to the driver as it is."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

Adapt = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class PreparedStatement:
    """A statement in the words of one database. Errors come as from any other statement."""

    text: str
    places: tuple[str, ...]  # the names of its parameters in their order; empty where the driver knows names
    usual: Mapping[str, Any]  # parameters that are always the same
    adapt: Mapping[str, Adapt]  # how values become what the driver takes

    @classmethod
    def of(cls, statement: sa.Insert | sa.Update | sa.Delete, dialect: sa.Dialect) -> "PreparedStatement":
        """Spell it out for a kind of database."""
        compiled = statement.compile(dialect=dialect)
        adapt = {
            name: adapted
            for name, bind in compiled.binds.items()
            if (adapted := bind.type.dialect_impl(dialect).bind_processor(dialect))
        }
        usual = {name: _adapted(adapt, name, value) for name, value in compiled.params.items()}
        return cls(str(compiled), tuple(compiled.positiontup or ()), usual, adapt)

    def run(self, connection: sa.Connection, **facts: object) -> sa.CursorResult[Any]:
        """Run it with these parameters; one that is not given is NULL."""
        return connection.exec_driver_sql(self.text, self._given(facts))

    def each(self, connection: sa.Connection, rows: Iterable[Mapping[str, object]]) -> None:
        """Run it once for each of these sets of parameters."""
        connection.exec_driver_sql(self.text, [self._given(row) for row in rows])

    def _given(self, facts: Mapping[str, object]) -> Any:
        told = {name: _adapted(self.adapt, name, value) for name, value in facts.items()}
        values = {**self.usual, **told}
        return tuple(values[name] for name in self.places) if self.places else values


def _adapted(adapt: Mapping[str, Adapt], name: str, value: object) -> object:
    return adapt[name](value) if name in adapt and value is not None else value
